// The bundler gives Grafana's modules the package itself in the place of its default export.
import { Scrollbars } from "./node_modules/react-custom-scrollbars-2/lib/index.js";

export default Scrollbars;
export { Scrollbars };
