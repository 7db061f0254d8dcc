/** What went wrong: 1 sources not reachable, 2 sources not the pinned ones, 3 a tool is missing, 4 it does not compile. */
export type ImageBuildCode = 1 | 2 | 3 | 4;

/** An image could not be built. */
export class ImageBuildError extends Error {
  readonly code: ImageBuildCode;
  constructor(code: ImageBuildCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The machine lacks the toolchain: tests skip, commands say what to install. */
export function isToolMissing(error: unknown): error is ImageBuildError {
  return error instanceof ImageBuildError && error.code === 3;
}
