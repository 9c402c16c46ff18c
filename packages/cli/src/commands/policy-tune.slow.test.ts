import { describeTuning } from "./policy-tune.suite.ts";

describeTuning(["minimal", "nsa-ctr"]);
