/** The people of the recordings, by their user names: operators, developers, and others whom nobody expects. */
export const ERIN = "ops-erin";
export const FRANK = "ops-frank";
export const IDA = "ops-ida";
export const DANA = "dev-dana";
export const GINA = "dev-gina";
export const HUGO = "hugo";
export const MALLORY = "mallory";
