import { testMixtures } from "./mixture.suite.ts";

testMixtures(5000);
