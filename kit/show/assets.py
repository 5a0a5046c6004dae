"""Make a page that asks for nothing: every script and style sheet replaced by the copy the kit carries.

`inline` is the one choke point for maps. An address it does not know raises, so that a new plugin cannot bring the
network back unnoticed. The page also gets a content-security policy: only the scripts that were there when the page was
made may run, and nothing may be fetched. A name out of a hostile record that slipped through as markup stays inert.
"""

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from posixpath import dirname, normpath

from kit.errors import MissingAsset

FOLDER = Path(__file__).parent / "assets"

# Asked for by every folium map, not used by ours: icons are circles, so no icon font and no Bootstrap.
DROPPED = (
    "/bootstrap.bundle.min.js",
    "/bootstrap.min.css",
    "/bootstrap-glyphicons.css",
    "/leaflet.awesome-markers.js",
    "/leaflet.awesome-markers.css",
    "/leaflet.awesome.rotate.min.css",
    "/fontawesome-free@6.2.0/css/all.min.css",
)

_SCRIPT_LINK = re.compile(r'<script\b[^>]*\bsrc="([^"]*)"[^>]*>\s*</script>')
_STYLE_LINK = re.compile(r'<link\b[^>]*\brel="stylesheet"[^>]*\bhref="([^"]*)"[^>]*>')
_SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
_CSS_URL = re.compile(r"url\(\s*['\"]?([^)'\"]*)['\"]?\s*\)")


def inline(html):
    """Replace every linked script and style sheet of a page by its vendored text, and close the page to the network.

    Parameters
    ----------
    html : str
        A whole page, as folium renders it.

    Returns
    -------
    str
        The same page without a request in it.

    Raises
    ------
    MissingAsset
        For an address that is neither vendored nor dropped on purpose.

    >>> inline('<head><script src="https://example.org/new-plugin.js"></script></head>')
    Traceback (most recent call last):
    kit.errors.MissingAsset: The map asks for https://example.org/new-plugin.js, which the kit does not carry and \
will not fetch; use a layer that the kit supports, or vendor the file with docs/maintainers/vendor_assets.py.
    """
    html = html.replace("\r\n", "\n")
    html = _STYLE_LINK.sub(lambda link: _style(link[1]), html)
    html = _SCRIPT_LINK.sub(lambda link: _script(link[1]), html)
    return html.replace("<head>", f"<head>\n{_policy(html)}", 1)


@cache
def table():
    """The vendored files: a dict of file name to its row (package, version, licence, SHA-256, address)."""
    return {row["file"]: row for row in json.loads((FOLDER / "assets.json").read_text(encoding="utf-8"))}


def _script(address):
    file = _vendored(address)
    if file is None:
        return ""
    text = _text(file).replace("</script", r"<\/script")
    # Leaflet's credit is a link inside a JavaScript string; spelt so, nothing that reads HTML takes it for one.
    text = re.sub(r'(<a href=)"(https?:[^"]*)"', r"\1\\x22\2\\x22", text)
    if file == "leaflet.js":
        text += _marker_icons()
    return f"<script>{text}</script>"


def _style(address):
    file = _vendored(address)
    return "" if file is None else f"<style>{_css(file)}</style>"


def _vendored(address):
    """The file that answers an address, None for one dropped on purpose."""
    for file, row in table().items():
        if row["address_ends_with"] and address.endswith(row["address_ends_with"]):
            return file
    if address.endswith(DROPPED):
        return None
    raise MissingAsset(f"The map asks for {address}, which the kit does not carry and will not fetch; use a layer that "
                       "the kit supports, or vendor the file with docs/maintainers/vendor_assets.py.")


def _css(file):
    def replace(match):
        address = match[1]
        if address.startswith(("#", "data:")):
            return match[0]
        image = normpath(f"{dirname(file)}/{address}".lstrip("/"))
        if image not in table():
            raise MissingAsset(f"The style sheet {file} asks for {address}, which the kit does not carry; "
                               "vendor it with docs/maintainers/vendor_assets.py.")
        return f"url({_data_uri(image)})"
    return _CSS_URL.sub(replace, _text(file))


def _marker_icons():
    """Leaflet looks for its marker images beside its style sheet; an inlined sheet lies nowhere."""
    icons = {"iconUrl": "marker-icon", "iconRetinaUrl": "marker-icon-2x", "shadowUrl": "marker-shadow"}
    options = json.dumps({key: _data_uri(f"images/{name}.png") for key, name in icons.items()})
    return f"\ndelete L.Icon.Default.prototype._getIconUrl; L.Icon.Default.mergeOptions({options});\n"


def _policy(html):
    """A content-security policy that allows the page's own scripts, by hash, and no request at all."""
    hashes = sorted({base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                     for text in _SCRIPT.findall(html)})
    scripts = " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
    return ('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            f"script-src {scripts}; style-src 'unsafe-inline'; img-src data:; font-src data:\">")


@cache
def _text(file):
    return (FOLDER / file).read_bytes().decode("utf-8").replace("\r\n", "\n")


@cache
def _data_uri(file):
    return "data:image/png;base64," + base64.b64encode((FOLDER / file).read_bytes()).decode()
