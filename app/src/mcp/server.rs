//! The server: dispatches requests to tools, resources and prompts.

use super::answer;
use super::job;
use super::prompts;
use super::resources;
use super::session::Session;
use super::tools::{self, TOOLS};
use rmcp::RoleServer;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CustomRequest, CustomResult, ErrorCode, ErrorData, GetPromptRequestParams,
    GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use std::path::PathBuf;
use std::sync::Arc;

/// Traces that the instructions name.
const TRACES_NAMED: usize = 20;

/// Methods with parameters that the server answers: of these, a request that is not understood has wrong parameters.
const METHODS: [&str; 8] = [
    "initialize",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
];

/// The handler of all requests.
#[derive(Clone)]
pub struct Server {
    session: Arc<Session>,
}

impl Server {
    /// A server of this session.
    #[must_use]
    pub fn new(session: Session) -> Self {
        Self { session: Arc::new(session) }
    }

    fn instructions(&self) -> String {
        let known = self.session.known_traces();
        let mut traces: Vec<String> = known.iter().take(TRACES_NAMED).map(|path| path.display().to_string()).collect();
        if known.len() > TRACES_NAMED {
            traces.push(format!("and {} more (resources/list)", known.len() - TRACES_NAMED));
        }
        let traces = if traces.is_empty() { String::new() } else { format!(" Traces: {}.", traces.join(", ")) };
        format!(
            "poolscope finds kernel pool leaks in Windows event traces (.etl). Begin with open_trace, then leaks: its summary and first rows \
             say what leaks, how fast, and with which evidence. report, series and symbols show more of it, diff compares two traces, \
             poolmon_compare and recording_profile prepare a recording. Figures are exact; their units, the data quality of the trace and the \
             command line that gives the same are in the field 'about' of each answer. Times are seconds from the start of the trace. \
             Answers are short: 'about.rows.more' says how to get more. Files may be read below {}.{traces}",
            self.session.allowed.texts().join(", ")
        )
    }

    /// Tells the client that the open traces changed. Later versions of the protocol send this to subscribers only.
    async fn notify_of_traces(&self, before: &[(PathBuf, u64)], context: &RequestContext<RoleServer>) {
        let is_told = context.protocol_version().is_some_and(|version| version < ProtocolVersion::V_2026_07_28);
        if is_told && self.session.open.list() != before {
            // A client that is gone needs no notification.
            drop(context.peer.notify_resource_list_changed().await);
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_resources_list_changed()
            .build();
        let program = Implementation::new("poolscope", env!("CARGO_PKG_VERSION")).with_title("poolscope");
        ServerConfig::new(capabilities).with_server_info(program).with_instructions(self.instructions())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(TOOLS.iter().map(|tool| tool.definition(&self.session)).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::find(&request.name) else {
            let names = TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ");
            return Err(ErrorData::invalid_params(
                format!("there is no tool '{}'; there are {names}", request.name),
                None,
            ));
        };
        let (session, before) = (Arc::clone(&self.session), self.session.open.list());
        let work = move |job: &job::Job| {
            let request = match tool.read(request.arguments.unwrap_or_default(), &session) {
                Ok(request) => request,
                Err(error) => return error.into_answer(),
            };
            job.expect_traces(request.traces.len());
            let output = job.run(&session, &request.line);
            Ok(answer::of_output(&request, &output, &session))
        };
        let result = job::watch(&context, work).await?;
        self.notify_of_traces(&before, &context).await;
        result.map(Into::into)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let session = Arc::clone(&self.session);
        let listed = job::watch(&context, move |_| resources::list(&session)).await?;
        Ok(ListResourcesResult::with_all_items(listed))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let (session, before) = (Arc::clone(&self.session), self.session.open.list());
        let read = job::watch(&context, move |job| resources::read(&request.uri, &session, job)).await?;
        self.notify_of_traces(&before, &context).await;
        Ok(ReadResourceResult::new(vec![read?]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&request.name, request.arguments.as_ref()).map(Into::into)
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if METHODS.contains(&request.method.as_str()) {
            return Err(ErrorData::invalid_params(format!("wrong parameters of {}", request.method), None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, format!("there is no method '{}'", request.method), None))
    }
}
