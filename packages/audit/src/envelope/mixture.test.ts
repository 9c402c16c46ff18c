import { testMixtures } from "./mixture.suite.ts";

testMixtures(100);
