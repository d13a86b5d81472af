"""What people do with the page, each as a story on one running depot. They build on each other, in this order."""

import json
import pathlib
import struct
import subprocess
import time
import urllib.error
import urllib.request
import zlib

from daemons import Daemon, Failed
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

MARKUP = '<img src=x onerror=alert(1)>&amp;".txt'
NASTY = [
    MARKUP, "it's \"quoted\".txt", "\u05e9\u05dc\u05d5\u05dd.txt", "gpj.\u202eexe.txt", "very-long-" + "x" * 180 + ".txt",
    "50% off?#1.txt", "e\u0301 + space .txt",
]
SCRIPT = b"<!doctype html><script>document.title='owned';fetch('/v1/tokens')</script><h1>page</h1>"


def png(width=64, height=40):
    """A small picture."""
    rows = b"".join(b"\0" + bytes(value for x in range(width) for value in (x * 4 % 256, y * 6 % 256, 120)) for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Stories:
    def __init__(self, depot, browser, readme):
        self.depot, self.browser, self.readme = depot, browser, readme
        self.address = depot.environment["DEPOT_SERVER"]
        self.tokens = {}

    # Beside the page.

    def run(self, *words):
        done = subprocess.run([self.depot.binary, *words], env=self.depot.environment, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"depot {' '.join(words)}: {done.stderr}")
        return done.stdout

    def put(self, name, content, level=2, token=None):
        request = urllib.request.Request(
            f"{self.address}/v1/files/{urllib.request.quote(name)}?level={level}", data=content, method="PUT",
            headers={"Authorization": f"Bearer {token or self.depot.client_token}", "Content-Type": "application/octet-stream"})
        urllib.request.urlopen(request).close()

    def ask(self, method, path, headers=None, body=None):
        request = urllib.request.Request(self.address + path, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def token(self, name, scope, *prefixes):
        path = pathlib.Path(self.depot.folder) / f"{name}.token"
        self.run("token", "create", name, f"--{scope}", "--file", str(path), *[w for p in prefixes for w in ("--prefix", p)])
        self.tokens[name] = path.read_text().strip()
        return self.tokens[name]

    # Looking.

    def look(self, name):
        """Both schemes and both widths: axe, pictures, nothing wider than the screen, a quiet console."""
        page = self.browser
        for scheme in ["light", "dark"]:
            page.scheme(scheme)
            for width in [1280, 360]:
                page.width(width)
                page.require_accessible(f"{name}, {scheme}, {width} px")
                page.picture(f"{name}-{scheme}", width)
                if page.overflow() > 0:
                    raise Failed(f"{name} is {page.overflow()} px wider than {width} px")
        page.scheme("light")
        page.width(1280)
        page.require_quiet(name)

    # The stories.

    def fill(self):
        """Something to look at."""
        for index in range(40):
            self.put(f"photos/2026/{index:03}.jpg", bytes([index]) * 5000, level=2)
        self.put("photos/2025/old.txt", b"old\n" * 100, level=3)
        self.put("letters/first.txt", "Dear depot,\n\u00e4\u00f6\u00fc \u2603\n".encode() * 20, level=2)
        self.put("letters/first.txt", b"Dear depot, once more.\n", level=2)
        self.put("letters/copy of first.txt", b"Dear depot, once more.\n", level=2)
        self.put("disk.img", b"".join(bytes([i % 251]) * 4096 + i.to_bytes(8, "big") for i in range(2500)), level=2)
        self.put("evil.html", SCRIPT, level=1)
        self.put("picture.png", png(), level=2)

    def sign_in(self):
        page = self.browser
        page.open()
        page.wait("#token")
        self.look("sign-in")
        page.write("#token", "not-the-right-token-0123456789")
        page.keys(Keys.ENTER)
        page.wait("[role=alert]", "no token of this FileServer")
        page.require_quiet("sign-in", allowed=["401"])
        page.sign_in(self.depot.client_token)
        page.wait("#who", "administrator")
        cookies = page.driver.get_cookies()
        if len(cookies) != 1 or not cookies[0]["httpOnly"] or cookies[0]["sameSite"] != "Strict":
            raise Failed(f"the cookie is {cookies}")
        if self.depot.client_token in json.dumps(page.driver.execute_script(
                "return [document.cookie, {...localStorage}, {...sessionStorage}, location.href, document.documentElement.outerHTML]")):
            raise Failed("the page keeps the token")
        page.console()

    def overview(self):
        page = self.browser
        page.open()
        page.wait(".attention", "Nothing needs attention")
        page.wait(".live.live", "live")
        page.wait(".replicas", "replica3")
        page.wait(".coverage", "read back")
        page.wait(".traffic", "requests")
        for figure in ["Logical", "Unique", "Stored", "Held by versions only", "deduplicated"]:
            page.wait(".totals", figure)
        self.look("overview")

    def live(self):
        """A replica stops and comes back; the page tells without being loaded again."""
        page = self.browser
        page.open()
        page.wait(".live.live")
        page.driver.execute_script("window.marked = true")
        replica = self.depot.replicas[2]
        replica.stop()
        page.wait(".notice-row", "replica3", seconds=40)
        page.until(lambda: page.find(".replicas .badge", "down") or page.find(".replicas .badge", "maintenance"), "its state")
        self.look("attention")
        if self.readme:
            self.readme.write_bytes(page.picture("readme", 1100, height_max=1036).read_bytes())
        self.browser.open("#/file/disk.img")
        page.wait(".chunks")
        self.browser.open()
        words = [self.depot.binary, "replica", "--data", str(self.depot.folder / "replica3"), "--listen",
                 f"127.0.0.1:{replica.port}", "--name", "replica3"]
        self.depot.daemons.append(Daemon("replica3", words, self.depot.environment, self.depot.folder / "replica3.log"))
        page.wait(".attention", "Nothing needs attention", seconds=40)

    def what_if(self):
        page = self.browser
        page.open()
        page.press("button[aria-label*='replica1']", "What if?")
        page.wait("dialog", "would have to be made")
        self.look("what-if")
        page.keys(Keys.ESCAPE)
        page.gone("dialog")

    def tree(self):
        page = self.browser
        page.open("#/files/")
        page.wait(".tree", "photos")
        page.wait(".tree", "41 files")
        page.press("button[aria-label='Open photos/']")
        page.wait(".tree a", "2026/")
        page.press("button[aria-label='Open 2025/']")
        page.wait(".tree a", "old.txt")
        self.look("files")
        page.press(".tree a", "2026/")
        page.wait(".crumbs", "2026")
        page.wait(".tree a", "039.jpg")
        page.open("#/files/")
        page.write("#search", "letters/f")
        page.wait(".tree a", "letters/first.txt")
        page.gone(".tree a", "photos")
        page.write("#search", "no-such-name")
        page.wait(".tree", "No name begins so")
        page.require_quiet("search")

    def deposit(self):
        """By drop, with names that are markup, quotes, right to left, and long."""
        page = self.browser
        page.open("#/files/inbox%2F")
        page.wait(".drop-hint")
        page.drop(".files", [(name, f"this is {name}".encode(), "text/plain") for name in NASTY])
        page.wait(".deposits", f"{len(NASTY)} of {len(NASTY)} files")
        for name in NASTY:
            if "\u202e" not in name:
                page.wait(".tree a", name.strip()[:40])
        page.wait(".tree a", "U+202E")
        if page.driver.find_elements(By.CSS_SELECTOR, "main img, main script"):
            raise Failed("a name became markup")
        self.look("deposited")
        for name in NASTY:
            listed = self.ask("GET", "/v1/files/inbox/" + urllib.request.quote(name) + "/content",
                              {"Authorization": f"Bearer {self.depot.client_token}"})
            if listed[0] != 200 or listed[2] != f"this is {name}".encode():
                raise Failed(f"{name!r} was deposited as {listed}")
        page.press(".tree a", "onerror")
        page.wait("h1", "onerror")
        page.wait(".preview-text", "this is <img")
        self.look("markup")

    def deposit_large(self):
        """With progress, and an error told at its file."""
        page = self.browser
        page.open("#/files/")
        page.wait(".drop-hint")
        page.driver.execute_script("""
            const transfer = new DataTransfer();
            for (let index = 0; index < 12; index += 1) {
              const bytes = new Uint8Array(3_000_000);
              for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65536, bytes.length)));
              transfer.items.add(new File([bytes], `large-${index}.bin`));
            }
            transfer.items.add(new File(['x'], '..'));
            document.querySelector('.files').dispatchEvent(new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));""")
        page.wait(".deposits", "of 13 files")
        page.wait(".deposits", "12 of 13 files", seconds=60)
        page.wait(".deposits .failures", "a browser cannot ask for")
        page.picture("deposit-failed", 1280)
        page.console()

    def preview(self):
        page = self.browser
        page.open("#/file/letters%2Ffirst.txt")
        page.wait(".preview-text", "once more")
        page.open("#/file/picture.png")
        page.wait(".preview-picture")
        size = page.until(lambda: page.driver.execute_script(
            "const picture = document.querySelector('.preview-picture'); return picture.complete && [picture.naturalWidth, picture.naturalHeight]"),
            "a picture")
        if size != [64, 40]:
            raise Failed(f"the picture is {size}")
        self.look("picture")
        page.open("#/file/disk.img")
        page.wait(".preview", "neither text nor a picture")
        page.open("#/file/evil.html")
        page.wait(".preview-text", "<script>")
        page.require_quiet("preview")

    def sandbox(self):
        """A page that somebody has deposited runs nothing, even where its address is opened."""
        page = self.browser
        status, headers, _ = self.ask("GET", "/v1/files/evil.html/content", {"Authorization": f"Bearer {self.depot.client_token}"})
        for name, word in [("Content-Security-Policy", "sandbox"), ("Content-Disposition", "attachment"), ("X-Content-Type-Options", "nosniff")]:
            if word not in headers.get(name, ""):
                raise Failed(f"content has {name}: {headers.get(name)}")
        page.open()
        page.driver.get(f"{self.address}/v1/files/evil.html/content")
        time.sleep(0.3)
        if page.driver.title == "owned":
            raise Failed("a deposited page ran")
        for path in page.folder.glob("evil*"):
            path.unlink()
        page.console()

    def retrieve(self):
        page = self.browser
        page.open("#/file/letters%2Ffirst.txt")
        page.press("a.button", "Retrieve")
        path = page.folder / "first.txt"
        page.until(lambda: path.exists() and path.read_bytes() == b"Dear depot, once more.\n", "the file retrieved")
        path.unlink()
        page.require_quiet("retrieve")

    def file(self):
        page = self.browser
        page.open("#/file/disk.img")
        page.wait(".facts", "level 2")
        page.wait(".facts .badge", "whole")
        page.wait(".chunk-picture", "distinct chunk")
        page.wait(".losses", "replica1")
        self.look("file")

    def level(self):
        page = self.browser
        page.open("#/file/letters%2Ffirst.txt")
        page.press("button", "Change copies")
        page.write("#new-level", "3")
        page.wait(".plan", "The plan:")
        page.wait(".plan", "made")
        self.look("level")
        page.press("dialog button.primary", "Change")
        page.gone("dialog")
        page.wait(".facts", "level 3")
        info = json.loads(self.ask("GET", "/v1/files/letters/first.txt/info", {"Authorization": f"Bearer {self.depot.client_token}"})[2])
        if info["file"]["level"] != 3:
            raise Failed(f"the level is {info['file']['level']}")
        page.press("button", "Change copies")
        page.write("#new-level", "9")
        page.wait("dialog [role=alert]", "replicas")
        page.keys(Keys.ESCAPE)
        page.console()

    def revert(self):
        page = self.browser
        page.open("#/file/letters%2Ffirst.txt")
        page.wait(".preview-text", "once more")
        page.press(".versions tbody tr:last-child button", "Revert")
        page.wait("dialog", "Revert to this version?")
        page.press("dialog button.primary", "Revert")
        page.wait(".preview-text", "\u00e4\u00f6\u00fc")
        page.require_quiet("revert")

    def lock(self):
        page = self.browser
        page.open("#/file/picture.png")
        page.press("button", "Lock")
        page.write("#lock-days", "1")
        page.press("dialog button.primary", "Lock")
        page.wait(".facts", "locked until")
        page.require_quiet("lock")

    def delete(self):
        page = self.browser
        page.open("#/file/letters%2Ffirst.txt")
        page.press("button.danger", "Delete")
        page.wait("dialog", "kept as a version for 30 days")
        page.wait("dialog", "A purge takes")
        self.look("delete")
        page.press("dialog button.danger", "Delete")
        page.wait(".tree a", "copy of first.txt")
        page.gone(".tree a", "first.txt\n")
        page.press("#deleted")
        page.wait(".tree .badge", "deleted")
        self.look("deleted")
        page.press("button", "Undelete")
        page.wait(".tree", "Nothing is deleted here")
        page.press("#deleted")
        page.wait(".tree a", "first.txt")
        page.require_quiet("delete")
        page.open("#/file/evil.html")
        page.press("button.danger", "Delete")
        page.wait("dialog", "A purge takes")
        page.press("#purge")
        page.press("dialog button.danger", "Delete")
        page.gone("dialog")
        page.open("#/file/evil.html")
        page.wait(".file", "Nothing is kept of it")
        page.console()

    def keyboard(self):
        """Everything is reached without a mouse."""
        page = self.browser
        page.open("#/files/")
        page.wait(".tree a", "letters/")
        reached = []
        for _ in range(40):
            page.keys(Keys.TAB)
            reached.append(page.driver.execute_script(
                "const node = document.activeElement; return node.getAttribute('aria-label') ?? node.id ?? ''") or page.driver.execute_script(
                "return document.activeElement.textContent"))
            if reached[-1] == "Open letters/":
                break
        for wanted in ["skip", "sign-out", "search", "deleted", "level", "Open letters/"]:
            if wanted not in reached:
                raise Failed(f"{wanted} is not reached with the keyboard: {reached}")
        page.keys(Keys.ENTER)
        page.wait(".tree a", "copy of first.txt")
        page.keys(Keys.TAB, Keys.ENTER)
        page.wait(".crumbs", "letters")
        page.open()
        page.wait(".live.live")
        page.keys(Keys.TAB, Keys.ENTER)
        if page.driver.execute_script("return document.activeElement.id") != "main":
            raise Failed("the first key does not skip to the content")

    def read_only(self):
        """Sees everything, and is offered nothing that it may not."""
        page = self.browser
        page.sign_in(self.token("reader", "read"))
        page.wait("#who", "reader")
        page.wait(".attention", "Nothing needs attention")
        for word in ["What if?", "Verify now"]:
            if page.find("button", word):
                raise Failed(f"a reader is offered '{word}'")
        page.open("#/files/")
        page.wait(".tree a", "letters/")
        if page.find("button", "Deposit") or page.find(".drop-hint"):
            raise Failed("a reader is offered to deposit")
        page.open("#/file/letters%2Ffirst.txt")
        page.wait(".facts")
        for word in ["Delete", "Change copies", "Lock", "Revert"]:
            if page.find("button", word):
                raise Failed(f"a reader is offered '{word}'")
        self.look("reader")
        if page.fetch("DELETE", "/v1/files/letters/first.txt", {"depot-page": "1"})[0] != 403:
            raise Failed("a reader may delete")
        page.console()

    def prefixed(self):
        """Sees its own, and learns of nothing else."""
        page = self.browser
        page.sign_in(self.token("letters", "write", "letters", "photos/2025"))
        page.wait(".tree a", "letters/")
        page.wait(".tree a", "photos/")
        if "disk.img" in page.text() or page.find("nav a", "Overview"):
            raise Failed("a token with prefixes is shown more")
        page.press("button[aria-label='Open photos/']")
        page.wait(".tree a", "2025/")
        if "2026" in page.text():
            raise Failed("a token with prefixes is shown a folder out of its reach")
        self.look("prefixed")
        for path in ["/v1/overview", "/v1/traffic", "/v1/events", "/v1/status", "/v1/files/disk.img/info"]:
            if page.fetch("GET", path)[0] != 403:
                raise Failed(f"a token with prefixes reaches {path}")
        page.console()
        page.open("#/file/letters%2Ffirst.txt")
        page.wait(".chunk-picture")
        page.require_quiet("prefixed file")

    def sessions(self):
        """A change without the header is refused; a session ends with its token, and when signed out."""
        page = self.browser
        page.sign_in(self.token("passing", "write"))
        page.wait("#who", "passing")
        page.console()
        if page.fetch("PUT", "/v1/files/passing.txt?level=1", {}, "x")[0] != 401:
            raise Failed("a change without the header was let in")
        if page.fetch("PUT", "/v1/files/passing.txt?level=1", {"depot-page": "1"}, "x")[0] != 201:
            raise Failed("a change with the header was not let in")
        page.console()
        self.run("token", "revoke", "passing")
        page.wait("#token", seconds=30)
        page.wait("form", "session has ended")
        page.console()
        page.sign_in(self.depot.client_token)
        cookie = page.driver.get_cookies()[0]
        page.press("#sign-out")
        page.wait("#token")
        status, _, _ = self.ask("GET", "/v1/session", {"Cookie": f"{cookie['name']}={cookie['value']}"})
        if status != 204:
            raise Failed("a session goes on after signing out")
        page.console()


def all_of(depot, browser, readme):
    stories = Stories(depot, browser, readme)
    for name in ["fill", "sign_in", "overview", "tree", "deposit", "deposit_large", "preview", "sandbox", "retrieve", "file", "level",
                 "revert", "lock", "delete", "what_if", "keyboard", "live", "read_only", "prefixed", "sessions"]:
        yield name, getattr(stories, name)
