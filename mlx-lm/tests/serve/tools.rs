//! Calls of tools, in every API's words: SmolLM2 with a chat template that knows tools, forced to call one.

use super::{
    http::post,
    program::{MODEL, Server},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const TEMPLATE: &str = r#"{%- if tools %}<|im_start|>system
{{ tools | tojson }}
A call is <tool_call>
{"name": ..., "arguments": ...}
</tool_call><|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}{% for call in message.tool_calls or [] %}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"#;

/// A folder with the model and the template.
fn model(folder: &Path) -> String {
    model_with(TEMPLATE, folder)
}

/// A folder in `folder` with the model and a template.
pub(super) fn model_with(template: &str, folder: &Path) -> String {
    let output = folder.join("tools");
    let convert = Command::new(env!("CARGO_BIN_EXE_mlx-lm"))
        .args(["convert", "--model", MODEL, "--output"])
        .arg(&output)
        .output();
    let convert = convert.unwrap();
    assert!(convert.status.success(), "{}", String::from_utf8_lossy(&convert.stderr));
    fs::write(output.join("chat_template.jinja"), template).unwrap();
    output.to_str().unwrap().to_owned()
}

/// Signs of other formats, and the beginning of their templates' prompts.
const OTHERS: [(&str, &str); 4] = [
    ("llama3", "{# <|python_tag|> #}"),
    ("granite", "{# <|tool_call|> #}"),
    ("xml", "{# <tool_call>\n<function= #}"),
    ("harmony", "{# <|channel|> <|message|> #}"),
];

/// A folder with the model in `folder` and its template behind `sign`.
fn other(folder: &Path, name: &str, sign: &str) -> String {
    let output = folder.join(name);
    fs::create_dir(&output).unwrap();
    for entry in fs::read_dir(folder.join("tools")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "chat_template.jinja" {
            fs::hard_link(entry.path(), output.join(entry.file_name())).unwrap();
        }
    }
    // What the first template says of calls would tell of its own format.
    let template = TEMPLATE.replace("tool_call>", "call>");
    fs::write(output.join("chat_template.jinja"), format!("{sign}{template}")).unwrap();
    format!("{name}={}", output.to_str().unwrap())
}

#[test]
fn calls_are_forced_in_the_format_of_each_model() {
    let folder = tempfile::tempdir().unwrap();
    model(folder.path());
    let mut models: Vec<String> =
        OTHERS.iter().map(|(name, sign)| other(folder.path(), name, sign)).collect();
    models.push(other(folder.path(), "none", ""));
    let arguments: Vec<&str> = models.iter().flat_map(|model| ["--model", model.as_str()]).collect();
    let server = Server::start(&arguments);
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": parameters()}});
    let ask = |model: &str, format: Value| {
        let body = json!({
            "model": model, "messages": [{"role": "user", "content": "Weather in Oslo?"}], "tools": [tool],
            "tool_choice": "required", "response_format": format, "max_tokens": 200,
        });
        post(server.address, "/v1/chat/completions", &body)
    };
    for (model, _) in OTHERS {
        let reply = ask(model, json!({"type": "text"})).json();
        let message = &reply["choices"][0]["message"];
        assert_eq!(message["content"], Value::Null, "{model}: {reply}");
        let function = &message["tool_calls"][0]["function"];
        check(&function["name"], &serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap());
    }
    let refused = ask("none", json!({"type": "text"}));
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("tool_choice")));
}

fn parameters() -> Value {
    json!({
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Oslo"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["city", "days"], "additionalProperties": false,
    })
}

#[track_caller]
fn check(name: &Value, arguments: &Value) {
    assert_eq!(name, "weather");
    let (city, days) = (arguments["city"].as_str().unwrap(), arguments["days"].as_u64().unwrap());
    assert!(["Paris", "Oslo"].contains(&city) && (1..10).contains(&days), "{arguments}");
}

#[test]
fn calls_come_in_the_words_of_each_api() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--model", &format!("m={}", model(folder.path()))]);
    openai(&server);
    responses(&server);
    anthropic(&server);
    ollama(&server);
}

fn openai(server: &Server) {
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": parameters()}});
    let body = json!({
        "model": "m", "messages": [{"role": "user", "content": "Weather in Oslo?"}], "tools": [tool],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    });
    let reply = post(server.address, "/v1/chat/completions", &body).json();
    let choice = &reply["choices"][0];
    assert_eq!(
        (&choice["finish_reason"], &choice["message"]["content"]),
        (&json!("tool_calls"), &Value::Null),
        "{reply}"
    );
    let call = &choice["message"]["tool_calls"][0];
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    check(&call["function"]["name"], &arguments);

    let mut streaming = body.clone();
    streaming["stream"] = json!(true);
    streaming["tool_choice"] = json!("required");
    let events = post(server.address, "/v1/chat/completions", &streaming).events();
    let calls: Vec<&Value> =
        events.iter().filter_map(|e| e["choices"][0]["delta"]["tool_calls"].get(0)).collect();
    assert_eq!((calls.len(), &calls[0]["index"]), (1, &json!(0)));
    let reasons: Vec<&str> =
        events.iter().filter_map(|e| e["choices"][0]["finish_reason"].as_str()).collect();
    assert_eq!(reasons, ["tool_calls"]);

    // The conversation goes on with the call and its result.
    let mut next = body.clone();
    let messages = next["messages"].as_array_mut().unwrap();
    messages.push(choice["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "Rain."}));
    next["tool_choice"] = json!("none");
    next["max_tokens"] = json!(8);
    assert_eq!(post(server.address, "/v1/chat/completions", &next).status, 200);

    next["tool_choice"] = json!({"type": "function", "function": {"name": "other"}});
    assert_eq!(post(server.address, "/v1/chat/completions", &next).status, 400);
    call_or_answer(server, body);
}

/// With a format beside tools, an answer is a call or follows the format; here the bias of its first token decides.
fn call_or_answer(server: &Server, mut body: Value) {
    let token = |text: &str| {
        let tokens =
            post(server.address, "/tokenize", &json!({"model": "m", "content": text})).json()["tokens"]
                .clone();
        assert_eq!(tokens.as_array().unwrap().len(), 1, "{text}");
        tokens[0].to_string()
    };
    let schema = json!({"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"],
                        "additionalProperties": false});
    body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}});
    body["tool_choice"] = json!("auto");
    body["parallel_tool_calls"] = json!(false);
    let mut ask = |first: &str| {
        body["logit_bias"] = json!({token(first): 100});
        post(server.address, "/v1/chat/completions", &body).json()["choices"][0].clone()
    };
    let answer = ask("{");
    let content: Value = serde_json::from_str(answer["message"]["content"].as_str().unwrap()).unwrap();
    assert!(content["sure"].is_boolean() && answer["finish_reason"] == "stop", "{answer}");
    let call = ask("<");
    assert_eq!(
        (&call["finish_reason"], &call["message"]["content"]),
        (&json!("tool_calls"), &Value::Null),
        "{call}"
    );
    let function = &call["message"]["tool_calls"][0]["function"];
    check(&function["name"], &serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap());
}

fn responses(server: &Server) {
    let tool = json!({"type": "function", "name": "weather", "parameters": parameters(), "strict": true});
    let body = json!({"model": "m", "input": "Weather in Oslo?", "tools": [tool], "tool_choice": "required"});
    let reply = post(server.address, "/v1/responses", &body).json();
    let call = &reply["output"][0];
    assert_eq!(call["type"], "function_call", "{reply}");
    check(&call["name"], &serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap());
    let mut streaming = body;
    streaming["stream"] = json!(true);
    let events = post(server.address, "/v1/responses", &streaming).events();
    let done = events.iter().find(|e| e["type"] == "response.function_call_arguments.done").unwrap();
    check(&done["name"], &serde_json::from_str(done["arguments"].as_str().unwrap()).unwrap());
}

fn anthropic(server: &Server) {
    let body = json!({
        "model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Weather in Oslo?"}],
        "tools": [{"name": "weather", "input_schema": parameters()}], "tool_choice": {"type": "any"},
    });
    let reply = post(server.address, "/v1/messages", &body).json();
    assert_eq!(
        (&reply["stop_reason"], &reply["content"][0]["type"]),
        (&json!("tool_use"), &json!("tool_use")),
        "{reply}"
    );
    check(&reply["content"][0]["name"], &reply["content"][0]["input"]);
    let mut streaming = body.clone();
    streaming["stream"] = json!(true);
    let mut events = post(server.address, "/v1/messages", &streaming).events();
    // A slow machine is told that the server is alive.
    events.retain(|event| event["type"] != "ping");
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, expected);
    check(
        &events[1]["content_block"]["name"],
        &serde_json::from_str(events[2]["delta"]["partial_json"].as_str().unwrap()).unwrap(),
    );

    let mut next = body;
    let messages = next["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": reply["content"]}));
    let result = json!({"type": "tool_result", "tool_use_id": reply["content"][0]["id"], "content": "Rain."});
    messages.push(json!({"role": "user", "content": [result]}));
    next["tool_choice"] = json!({"type": "auto"});
    assert_eq!(post(server.address, "/v1/messages", &next).status, 200);
}

fn ollama(server: &Server) {
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": parameters()}});
    let call = json!({"function": {"name": "weather", "arguments": {"city": "Oslo", "days": 1}}});
    let body = json!({"model": "m", "stream": false, "tools": [tool], "options": {"num_predict": 4}, "messages": [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_name": "weather", "content": "Rain."},
    ]});
    assert_eq!(post(server.address, "/api/chat", &body).status, 200);
    let shown = post(server.address, "/api/show", &json!({"model": "m"})).json();
    assert!(shown["capabilities"].as_array().unwrap().contains(&json!("tools")));
}
