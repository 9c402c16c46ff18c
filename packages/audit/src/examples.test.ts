import { testExamples } from "../../../test/doc-examples.ts";
import * as audit from "./index.ts";

testExamples(import.meta.dirname, audit, 15);
