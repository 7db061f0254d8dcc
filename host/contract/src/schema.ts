/** The one place of the package that imports zod; everybody else gets it from here. */
export { z } from "zod";
