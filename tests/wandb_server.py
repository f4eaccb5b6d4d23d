"""A small server that takes what W&B's own client sends, and keeps it: views, runs, files, rows."""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WHEN = "2026-01-01T00:00:00Z"
USER = {
    "id": "u",
    "name": "me",
    "username": "me",
    "email": "me@example.org",
    "admin": False,
    "flags": "{}",
    "entity": "me",
    "deletedAt": None,
    "apiKeys": {"edges": []},
    "teams": {"edges": []},
}
PAGE = {"endCursor": None, "hasNextPage": False}
PROJECT = {"id": "p", "internalId": "p", "name": "gan_lightning", "entityName": "me", "createdAt": WHEN}


class Recorded:
    """What was sent: views by name, runs by id, names of files, and rows of history by run."""

    def __init__(self) -> None:
        self.views: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.files: list[str] = []
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def graphql(self, query: str, variables: dict[str, Any], base: str) -> dict[str, Any]:
        """The answer to a query, of which the client needs what is here."""
        data: dict[str, Any] = {"serverInfo": {"cliVersionInfo": {"max_cli_version": "9.9"}, "features": []}}
        data["viewer"] = USER
        if "upsertView" in query:
            data["upsertView"] = {"view": self.upsert(variables), "inserted": True}
        elif "allViews" in query:
            name = variables.get("viewName")
            views = [
                view
                for view in self.views.values()
                if view["name"] == name or (name is None and view["type"] == variables.get("viewType", "runs"))
            ]
            edges = [{"node": view, "cursor": "c"} for view in views]
            data["project"] = PROJECT | {"allViews": {"edges": edges, "pageInfo": PAGE}}
        elif "upsertBucket" in query:
            run = self.runs.setdefault(variables["name"], {})
            run.update({key: value for key, value in variables.items() if value is not None})
            bucket = {"id": variables["name"], "name": variables["name"], "displayName": run.get("displayName")}
            place = {"project": {"id": "p", "name": "gan_lightning", "entity": {"id": "e", "name": "me"}}}
            data["upsertBucket"] = {"bucket": bucket | place | {"historyLineCount": 0}, "inserted": True}
        elif "createRunFiles" in query:
            files = [{"name": name, "uploadUrl": f"{base}/upload/{name}"} for name in variables["files"]]
            data["createRunFiles"] = {"runID": variables["run"], "uploadHeaders": [], "files": files}
        elif "models" in query:
            node = PROJECT | {"isBenchmark": False, "user": USER | {"apiKeys": None, "teams": None}}
            data["models"] = {"edges": [{"node": node, "cursor": "c"}], "pageInfo": PAGE}
        elif re.search(r"\bproject\(", query):
            data["project"] = PROJECT
        return data

    def upsert(self, variables: dict[str, Any]) -> dict[str, Any]:
        """A view by its id, or by its name where it has none yet."""
        known = [view for view in self.views.values() if variables.get("id") == view["id"]]
        name = known[0]["name"] if known else variables["name"]
        view = self.views.setdefault(name, {"id": f"id{len(self.views)}", "name": name})
        given = {key: variables.get(key) for key in ("type", "displayName", "description", "spec")}
        author = {"username": "me", "name": "me", "photoUrl": None, "email": None}
        view.update(given | {"project": PROJECT, "user": author, "createdAt": WHEN, "updatedAt": WHEN})
        return view | {"previewUrl": None}


@contextmanager
def recording_server() -> Iterator[tuple[str, Recorded]]:
    """The address of a server that runs within it, and what it was sent."""
    recorded = Recorded()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def answer(self, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def sent(self) -> bytes:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

        def do_GET(self) -> None:
            self.answer({})

        def do_PUT(self) -> None:
            self.sent()
            recorded.files.append(self.path.removeprefix("/upload/"))
            self.answer({})

        def do_POST(self) -> None:
            body = self.sent()
            if self.path == "/graphql":
                asked = json.loads(body)
                base = f"http://{self.headers['Host']}"
                self.answer({"data": recorded.graphql(asked["query"], asked.get("variables") or {}, base)})
                return
            if self.path.endswith("/file_stream"):
                run = self.path.split("/")[-2]
                history = json.loads(body).get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
                recorded.rows.setdefault(run, []).extend(map(json.loads, history))
            self.answer({})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", recorded
    finally:
        server.shutdown()
        server.server_close()
