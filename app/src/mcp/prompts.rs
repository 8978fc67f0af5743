//! Prompts: tasks that a user can start by name, as instructions to the assistant.

use rmcp::model::{ErrorData, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

/// A prompt with its arguments.
struct PromptEntry {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Names and descriptions of the arguments, all required.
    arguments: &'static [(&'static str, &'static str)],
    /// Text with the arguments in braces.
    text: &'static str,
}

const PROMPTS: [PromptEntry; 3] = [
    PromptEntry {
        name: "find_the_leak",
        title: "Find the leak in this trace",
        description: "Finds what leaks kernel pool in a trace, names driver and function, and says how sure that is",
        arguments: &[("trace", "Path of the trace (.etl, or packed)")],
        text: "Find the kernel pool leak in the trace {trace}.\n\n\
               1. Call open_trace. Note what its data quality says is missing: it limits what can be concluded.\n\
               2. Call leaks. The summary and the first rows name what leaks, how fast, with which confidence, and the evidence.\n\
               3. For the first suspect, call report with by [\"function\", \"stack\"] and where \"tag:TAG AND type:AIFO\" for its tag, \
               to see which stacks allocate what was never freed.\n\
               4. Call series with where \"tag:TAG\" to see whether it grows steadily, in steps, or has stopped.\n\
               5. If frames have no function names, call symbols and say which modules lack symbols and why.\n\
               6. If the stacks are missing, call recording_profile for the tag and give the commands to record again.\n\n\
               Answer with: the driver and function, the pool and tag, the growth per hour and the outstanding size, the confidence, the \
               stack, what speaks against it (cache, burst, short recording, lost events), and the command line to repeat each figure. Use \
               figures as they are in the answers. If nothing leaks, say so.",
    },
    PromptEntry {
        name: "what_got_worse",
        title: "Compare two traces",
        description: "Says what grew between two traces of the same load, by how much, and in which driver",
        arguments: &[("baseline", "Path of the earlier trace"), ("comparison", "Path of the later trace")],
        text: "Compare the pool usage of the baseline {baseline} with that of the comparison {comparison}.\n\n\
               1. Call open_trace for both; note the data quality of each, and whether their durations differ.\n\
               2. Call diff with both. If the durations differ, use per \"second\".\n\
               3. For each tag that grew, call diff with by [\"driver\", \"function\"] and where \"tag:TAG\".\n\n\
               Answer with what is new, grown or gone, in which driver and function, with figures of both sides, and whether the change \
               exceeds what two recordings of the same load differ by.",
    },
    PromptEntry {
        name: "record_a_leak",
        title: "Prepare a recording of a leak",
        description: "Chooses tags from snapshots of poolmon or !poolused and gives the commands that record them",
        arguments: &[("snapshots", "Paths of two or more snapshots, the oldest first")],
        text: "Prepare a recording that shows who allocates the growing pool, from the snapshots {snapshots}.\n\n\
               1. Call poolmon_compare with the snapshots: which tags grow steadily, and how fast.\n\
               2. Call recording_profile with the same snapshots.\n\n\
               Answer with the tags and why they were chosen, the expected size of the recording, the recording profile, the commands in \
               their order, and what to check before and after.",
    },
];

/// All prompts.
#[must_use]
pub fn list() -> Vec<Prompt> {
    let prompt = |entry: &PromptEntry| {
        let argument = |(name, description): &(&'static str, &'static str)| {
            PromptArgument::new(*name).with_description(*description).with_required(true)
        };
        let arguments = entry.arguments.iter().map(argument).collect();
        Prompt::new(entry.name, Some(entry.description), Some(arguments)).with_title(entry.title)
    };
    PROMPTS.iter().map(prompt).collect()
}

/// A prompt with its arguments filled in.
///
/// # Errors
/// There is no such prompt, or an argument is missing.
pub fn get(name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    let Some(entry) = PROMPTS.iter().find(|entry| entry.name == name) else {
        let names = PROMPTS.map(|entry| entry.name).join(", ");
        return Err(ErrorData::invalid_params(format!("there is no prompt '{name}'; there are {names}"), None));
    };
    let mut text = entry.text.to_owned();
    for (name, description) in entry.arguments {
        let value = arguments.and_then(|arguments| arguments.get(*name)).and_then(Value::as_str);
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            let message = format!("the argument '{name}' is missing: {description}");
            return Err(ErrorData::invalid_params(message, None));
        };
        text = text.replace(&format!("{{{name}}}"), value);
    }
    let message = PromptMessage::new_text(Role::User, text);
    Ok(GetPromptResult::new(vec![message]).with_description(entry.description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tools;
    use serde_json::json;

    #[test]
    fn prompts_name_tools_that_exist_and_take_their_arguments() {
        for entry in PROMPTS {
            let arguments: JsonObject =
                entry.arguments.iter().map(|(name, _)| ((*name).to_owned(), json!(format!("<{name}>")))).collect();
            let result = get(entry.name, Some(&arguments)).expect("all arguments are given");
            let text = serde_json::to_value(&result).expect("JSON")["messages"][0]["content"]["text"].clone();
            let text = text.as_str().expect("a text");
            assert!(!text.contains(['{', '}']), "{text}");
            assert!(entry.arguments.iter().all(|(name, _)| text.contains(&format!("<{name}>"))), "{text}");
            for called in text.split("all ").skip(1).map(|rest| rest.split([' ', '.', ';']).next().unwrap_or_default())
            {
                assert!(tools::find(called).is_some(), "{called} is no tool");
            }
        }
        assert!(get("nothing", None).is_err() && get("find_the_leak", None).is_err());
    }
}
