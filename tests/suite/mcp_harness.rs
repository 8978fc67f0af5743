//! A client of the Model Context Protocol for tests: it starts the real program and exchanges hand-made messages with it.

use poolscope_tests::program::poolscope_exe;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running server.
pub struct McpClient {
    server: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next_id: u64,
    /// Messages that came while others were waited for.
    others: VecDeque<Value>,
}

impl McpClient {
    /// Starts the program with these arguments after `mcp`, without a session.
    pub fn start(arguments: &[&str]) -> Self {
        let mut server = Command::new(poolscope_exe())
            .arg("mcp")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().expect("its output is piped"));
        Self { server, input, output, next_id: 1, others: VecDeque::new() }
    }

    /// Starts the program and a session.
    pub fn open(arguments: &[&str]) -> Self {
        let mut client = Self::start(arguments);
        client.initialize();
        client
    }

    /// Starts the session; the result of the server.
    pub fn initialize(&mut self) -> Value {
        let parameters = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "suite", "version": "1" }
        });
        let result = self.request("initialize", parameters)["result"].clone();
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        result
    }

    /// Sends a line as it is.
    pub fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input.write_all(line.as_bytes()).and_then(|()| input.write_all(b"\n")).expect("the server reads");
        input.flush().expect("the server reads");
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    /// Sends a request; its id.
    pub fn ask(&mut self, method: &str, parameters: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }));
        id
    }

    /// The next message of the server.
    pub fn next(&mut self) -> Value {
        if let Some(message) = self.others.pop_front() {
            return message;
        }
        self.read()
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).expect("the server writes");
        assert!(read > 0, "the server ended");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// The answer to a request. Other messages wait for [`Self::next`].
    pub fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.others.push_back(message);
        }
    }

    /// Notifications of a method that came so far.
    pub fn notifications(&self, method: &str) -> Vec<Value> {
        self.others.iter().filter(|message| message["method"] == method).cloned().collect()
    }

    /// Sends a request and waits for its answer.
    pub fn request(&mut self, method: &str, parameters: Value) -> Value {
        let id = self.ask(method, parameters);
        self.answer(id)
    }

    /// Calls a tool; the whole answer.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// Calls a tool that has to succeed; its structured content.
    pub fn content(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments);
        assert_eq!(answer["result"]["isError"], false, "{tool}: {answer}");
        let content = answer["result"]["structuredContent"].clone();
        // Clients without structured content read it as text.
        let text = answer["result"]["content"][1]["text"].as_str().expect("a text");
        assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), content);
        content
    }

    /// Calls a tool that has to fail with an error of the protocol; its code and message.
    pub fn refusal(&mut self, tool: &str, arguments: Value) -> (i64, String) {
        let answer = self.call(tool, arguments);
        let error = &answer["error"];
        (
            error["code"].as_i64().unwrap_or_else(|| panic!("{answer}")),
            error["message"].as_str().unwrap_or_default().to_owned(),
        )
    }

    /// Calls a tool that has to fail with an answer; its text.
    pub fn failure(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.call(tool, arguments);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["content"][0]["text"].as_str().expect("a text").to_owned()
    }

    /// Ends the input. What the server still writes, and its exit code.
    pub fn close(mut self) -> (Vec<Value>, i32) {
        drop(self.input.take());
        let mut left: Vec<Value> = self.others.drain(..).collect();
        for line in (&mut self.output).lines() {
            left.push(serde_json::from_str(&line.expect("the server writes")).expect("JSON"));
        }
        (left, self.server.wait().expect("the server ends").code().unwrap_or(-1))
    }
}

impl Drop for McpClient {
    fn drop(&mut self) {
        drop(self.input.take());
        // After `close` it has ended already.
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
