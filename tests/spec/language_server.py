"""yaml-language-server as an editor runs it: a client that speaks the protocol over its streams."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple


class Item(NamedTuple):
    """What a completion offers, and what it writes; $1 is where the cursor goes."""

    label: str
    """What the list shows."""
    text: str
    """What stands there when it is taken."""


class Editor:
    """An editor with one schema for all its files; `command` starts the server."""

    def __init__(self, command: list[str], schema: Path, folder: Path) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._folder = folder
        self._asked = 0
        self._opened = 0
        self._settings = {
            "yaml": {
                "schemas": {schema.as_uri(): "*.yaml"},
                "schemaStore": {"enable": False},
                "validate": True,
                "completion": True,
                "hover": True,
            }
        }
        capabilities = {
            "textDocument": {
                "completion": {"completionItem": {"snippetSupport": True}},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True},
        }
        self.ask(
            "initialize",
            {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities},
        )
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self._settings})
        self.problems("")  # the settings are read from here on

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.communicate()

    def completions(self, text: str) -> list[Item]:
        """What is offered where the text has a `|`."""
        before, _, after = text.partition("|")
        place = self._place(before)
        answer = self.ask("textDocument/completion", {**self._open(before + after), **place})
        items = answer["items"] if isinstance(answer, dict) else answer or []
        return [
            Item(item["label"], item.get("textEdit", {}).get("newText", item.get("insertText")))
            for item in items
        ]

    def hover(self, text: str) -> str:
        """What is shown of what stands at the `|`, as Markdown."""
        before, _, after = text.partition("|")
        answer = self.ask(
            "textDocument/hover", {**self._open(before + after), **self._place(before)}
        )
        return str(answer["contents"]["value"]) if answer else ""

    def problems(self, text: str) -> list[str]:
        """What is underlined: `line: message`, in the order of the server."""
        document = self._open(text)["textDocument"]
        while True:
            message = self._receive()
            if message.get("method") != "textDocument/publishDiagnostics":
                continue
            if message["params"]["uri"] == document["uri"]:
                return [
                    f"{found['range']['start']['line'] + 1}: {found['message']}"
                    for found in message["params"]["diagnostics"]
                ]

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Ask the server, and wait for its answer."""
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self._asked and "method" not in message:
                if "error" in message:
                    raise RuntimeError(message["error"]["message"])
                return message["result"]

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Tell the server what needs no answer."""
        self._send({"method": method, "params": params})

    @staticmethod
    def _place(before: str) -> dict[str, Any]:
        lines = before.split("\n")
        return {"position": {"line": len(lines) - 1, "character": len(lines[-1])}}

    def _open(self, text: str) -> dict[str, Any]:
        """Open a text as a new file, which is never written to the disk."""
        self._opened += 1
        uri = (self._folder / f"{self._opened}.yaml").as_uri()
        item = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})
        return {"textDocument": {"uri": uri}}

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; what the server asks in between is answered here."""
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                raise EOFError("the server ended")
            message: dict[str, Any] = json.loads(stream.read(length))
            if "method" in message and "id" in message:
                asked = message["params"].get("items", []) if message["params"] else []
                settings = [self._settings.get(item.get("section"), {}) for item in asked]
                answer = settings if message["method"] == "workspace/configuration" else None
                self._send({"id": message["id"], "result": answer})
                continue
            return message
