/** An OpenAPI or AsyncAPI document, as far as what is made of it looks into one. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly additionalProperties?: unknown;
}

export interface Media {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: Media & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Media>>;
}

/** By path, then by method. */
export type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

export interface Message {
  readonly payload: Schema;
  readonly tags: readonly { readonly name: string }[];
}

export interface Document {
  readonly paths?: Paths;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly messages?: Readonly<Record<string, Message>>;
  };
  readonly channels?: Readonly<Record<string, { readonly 'x-close-codes': readonly { readonly code: number }[] }>>;
}
