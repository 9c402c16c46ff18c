import { testExamples } from "../../../test/doc-examples.ts";
import * as detect from "./index.ts";

testExamples(import.meta.dirname, detect, 5);
