import { tearEnvelopes } from "./torn-envelopes.suite.ts";

tearEnvelopes(5);
