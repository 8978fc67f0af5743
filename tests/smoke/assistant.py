#!/usr/bin/env python3
"""Drives `poolscope mcp` with the official Python client (`pip install mcp`) through a whole diagnosis of a trace.

    python3 assistant.py POOLSCOPE TRACE [TRACE]

Prints a transcript. With a second trace, both are compared. Ends with an error if an answer is not as expected; figures are compared with
those of the command line.
"""

import asyncio
import json
import pathlib
import subprocess
import sys
import time

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError


def say(text):
    print(text, flush=True)


def command_line(program, line):
    """Runs the command line that an answer names, as a shell does."""
    words = line.replace("poolscope", f"'{program}'", 1)
    return json.loads(subprocess.run(words, shell=True, check=True, capture_output=True).stdout)


class Diagnosis:
    def __init__(self, program, session):
        self.program = program
        self.session = session

    async def ask(self, tool, **arguments):
        """Calls a tool, compares its answer with the command line, and prints the sentences of the answer."""
        progress = []

        async def on_progress(done, total, message):
            progress.append(done)

        begin = time.monotonic()
        result = await self.session.call_tool(tool, arguments, progress_callback=on_progress)
        seconds = time.monotonic() - begin
        text = result.content[0].text
        assert not result.is_error, text
        assert progress == sorted(progress), progress
        content = result.structured_content
        about = content.pop("about")
        size = len(json.dumps(content))
        say(f"\n> {tool} {json.dumps(arguments)}   ({seconds:.2f} s, {size:,} bytes of JSON, {len(progress)} times progress)")
        say("  " + text.rstrip().replace("\n", "\n  "))
        repeated = command_line(self.program, about["command_line"])
        if tool == "open_trace":
            content.pop("open_traces")
            repeated = {name: repeated[name] for name in content}
        if "rows" in content and "rows" in repeated:
            repeated["rows"] = repeated["rows"][: len(content["rows"])]
        assert content == repeated, f"{tool}: the command line gives something else"
        return content

    async def refused(self, tool, arguments, code):
        try:
            result = await self.session.call_tool(tool, arguments)
        except MCPError as error:
            assert error.error.code == code, error
            say(f"\n> {tool} {json.dumps(arguments)}\n  error {error.error.code}: {error.error.message}")
            return
        raise AssertionError(f"{tool} was not refused: {result}")


async def diagnose(program, trace, other):
    folder = str(pathlib.Path(trace).resolve().parent)
    files = [folder] if other is None else [folder, str(pathlib.Path(other).resolve().parent)]
    server = StdioServerParameters(command=program, args=["mcp", *files])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        begun = await session.initialize()
        say(f"{begun.server_info.name} {begun.server_info.version}, protocol {begun.protocol_version}")
        tools = (await session.list_tools()).tools
        say("tools: " + ", ".join(tool.name for tool in tools))
        prompt = await session.get_prompt("find_the_leak", {"trace": trace})
        say("prompt find_the_leak: " + prompt.messages[0].content.text.splitlines()[0])
        at = Diagnosis(program, session)
        await at.ask("open_trace", trace=trace)
        leaks = await at.ask("leaks", trace=trace, top=3)
        suspect = leaks["rows"][0]
        tag, is_paged = suspect["tag"], suspect["paged"]
        say(f"  first suspect: {tag} ({is_paged}), {suspect['verdict']}, confidence {suspect['confidence']:.2f}, "
            f"{suspect['growth_bytes_per_hour']:.0f} bytes per hour, {suspect['driver']}, {suspect['function']}")
        query = f'tag:"{tag}" AND type:AIFO'
        stacks = await at.ask("report", trace=trace, by=["driver", "function", "stack"], where=query, top=2)
        for row in stacks["rows"]:
            say(f"  {row['impacting_size']:,} bytes in {row['count']:,} allocations: {' > '.join(row['stack'][-4:])}")
        curve = await at.ask("series", trace=trace, where=f'tag:"{tag}"', points=8)
        say("  outstanding bytes: " + ", ".join(f"{row['value']:,}" for row in curve["rows"] if row["tag"] == tag))
        await at.ask("symbols", trace=trace, top=3)
        await at.ask("recording_profile", tags=[tag])
        if other is None:
            half = leaks["range"]["to"] / 2
            await at.ask("diff", baseline=trace, range=f"0..{half}", range_comparison=f"{half}..", top=3)
        else:
            await at.ask("diff", baseline=trace, comparison=other, top=3)
        for resource in (await session.list_resources()).resources:
            if resource.uri.startswith("poolscope://report/"):
                report = await session.read_resource(resource.uri)
                say(f"\n> resources/read {resource.title}: {len(report.contents[0].text):,} characters of {report.contents[0].mime_type}")
                break
        await at.refused("leaks", {"trace": "/etc/passwd"}, -32602)
        await at.refused("leaks", {"trace": folder + "/../../etc/passwd"}, -32602)
        await at.refused("no_such_tool", {}, -32602)
        await at.refused("leaks", {"trase": trace}, -32602)
        wrong = await session.call_tool("report", {"trace": trace, "where": "tga:Leak"})
        assert wrong.is_error
        say("\n> report with a wrong query\n  " + wrong.content[0].text.replace("\n", "\n  "))
        await at.ask("leaks", trace=trace, top=1)
        say("\nthe server still answers")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    asyncio.run(diagnose(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None))
