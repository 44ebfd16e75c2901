/** The token of an `Authorization: Bearer` header, for requests and WebSockets alike. */
export const bearerOf = (authorization: string | undefined): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
