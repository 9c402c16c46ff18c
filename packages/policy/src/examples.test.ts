import { EventScan } from "@auditsieve/audit";
import { testExamples } from "../../../test/doc-examples.ts";
import * as policy from "./index.ts";

testExamples(import.meta.dirname, policy, 25, () => ({ EventScan }));
