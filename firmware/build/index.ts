/** The build of the firmware: the only door of the package for Node. */
export { type BoardName, type Bundle, type BundleName, boards, buildBundle, FirmwareBuildError } from "./bundle.ts";
export { rewriteFigures, stalePages, withFigures } from "./figures.ts";
export { differing, type Provenance, provenance, soakDiffering } from "./provenance.ts";
export { type ImagesResult, type Results, readResults, readSoaks, writeResult } from "./results.ts";
