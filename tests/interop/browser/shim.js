// What libraries written for node look for in a browser; wallets' bundlers give it to them in the same way.
export { Buffer } from "buffer/";
