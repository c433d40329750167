// Makes the pictures of the documentation: the browser of the tests, and none of the tests.

import config from "../playwright.config";

export default { ...config, testDir: ".", testMatch: "pictures.ts", outputDir: "../test-results" };
