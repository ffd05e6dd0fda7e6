//! `OpenAPI` 3.1 of the methods over HTTP.

use chat_core::api::{Access, Effectful, Registry};
use serde_json::{Map, Value, json};

use super::{Schemas, access};

pub(super) fn document(api: &Registry, schemas: &Schemas, examples: &Value) -> String {
    let paths: Map<String, Value> = api
        .methods()
        .map(|method| {
            let (params, result) = &schemas.methods[&method.name];
            let example = &examples[&method.name];
            let mut operation = json!({
                "operationId": method.name,
                "summary": method.summary,
                "tags": [method.name.rsplit_once('.').map_or("", |(section, _)| section)],
                "x-access": access(method),
                "requestBody": {"required": true, "content": {"application/json": {"schema": params, "example": example["params"]}}},
                "responses": {
                    "200": {"description": "The result", "content": {"application/json": {"schema": result, "example": example["result"]}}},
                    "default": {"description": "An error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ApiError"}}}},
                },
            });
            if method.audited {
                operation["x-audited"] = json!(true);
            }
            if method.access != Access::Public {
                operation["security"] = json!([{"token": []}]);
            }
            if method.effectful == Effectful::Write {
                operation["parameters"] = json!([{"$ref": "#/components/parameters/IdempotencyKey"}]);
            }
            (format!("/api/v1/{}", method.name), json!({"post": operation}))
        })
        .collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chaoke",
            "version": "v1",
            "description": "Every method is called alike: POST its parameters as JSON. The same methods are served over WebSocket at /ws; docs/methods.md tells how.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.types,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "access_token of session.sign_in or session.refresh"}},
            "parameters": {"IdempotencyKey": {
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "1 to 64 bytes: the same key with the same request gets the first answer, kept 24 h",
                "schema": {"type": "string", "minLength": 1, "maxLength": 64},
            }},
        },
    });
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
