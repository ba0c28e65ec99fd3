/** The version of the server, as in its package. */
export const version = '0.1.0';
