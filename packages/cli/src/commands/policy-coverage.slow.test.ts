import { describeCoverage } from "./policy-coverage.suite.ts";

describeCoverage(() => true);
