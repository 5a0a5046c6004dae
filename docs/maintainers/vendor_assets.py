"""Fetch the scripts and style sheets that maps need, and write the table of their versions, hashes and licences.

Maintainers run this, rarely, with a network and npm; users and tests never do:

    python docs/maintainers/vendor_assets.py

Each package is packed with `npm pack NAME@VERSION` at the version that the pinned folium asks for. Files are
copied as they are; `kit/show/assets/assets.json` records where each came from and its SHA-256, and a test holds
the two equal. The heat-map script has no package of its own version: it is taken from folium's wheel.
"""

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from importlib.resources import files
from pathlib import Path

ASSETS = Path(__file__).parents[2] / "kit" / "show" / "assets"

# package, version, licence, licence file, {file in the package: (name here, end of the address that asks for it)}
PACKAGES = [
    ("leaflet", "1.9.3", "BSD-2-Clause", "LICENSE", {
        "dist/leaflet.js": ("leaflet.js", "/leaflet@1.9.3/dist/leaflet.js"),
        "dist/leaflet.css": ("leaflet.css", "/leaflet@1.9.3/dist/leaflet.css"),
        "dist/images/layers.png": ("images/layers.png", None),
        "dist/images/layers-2x.png": ("images/layers-2x.png", None),
        "dist/images/marker-icon.png": ("images/marker-icon.png", None),
        "dist/images/marker-icon-2x.png": ("images/marker-icon-2x.png", None),
        "dist/images/marker-shadow.png": ("images/marker-shadow.png", None),
    }),
    ("jquery", "3.7.1", "MIT", "LICENSE.txt", {
        "dist/jquery.min.js": ("jquery.min.js", "/jquery-3.7.1.min.js"),
    }),
    ("d3", "3.5.5", "BSD-3-Clause", "LICENSE", {
        "d3.min.js": ("d3.min.js", "/d3/3.5.5/d3.min.js"),
    }),
    ("leaflet.markercluster", "1.1.0", "MIT", "MIT-LICENCE.txt", {
        "dist/leaflet.markercluster.js": (
            "leaflet.markercluster.js", "/leaflet.markercluster/1.1.0/leaflet.markercluster.js"),
        "dist/MarkerCluster.css": ("MarkerCluster.css", "/leaflet.markercluster/1.1.0/MarkerCluster.css"),
        "dist/MarkerCluster.Default.css": (
            "MarkerCluster.Default.css", "/leaflet.markercluster/1.1.0/MarkerCluster.Default.css"),
    }),
]
FROM_FOLIUM = ("leaflet_heat.min.js", "/folium/templates/leaflet_heat.min.js")
HEAT_LICENCE = """\
Leaflet.heat and simpleheat

Copyright (c) 2014, Vladimir Agafonkin
All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted provided that the
following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following
   disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the
   following disclaimer in the documentation and/or other materials provided with the distribution.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES,
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""


def main():
    """Replace every vendored file and rewrite the table and the notice."""
    rows, licences = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, version, licence, licence_file, wanted in PACKAGES:
            root = _unpack(name, version, Path(folder))
            licences.append((name, version, licence, (root / licence_file).read_text(encoding="utf-8")))
            rows += [_copy(root / there, here, ends_with, name, version, licence)
                     for there, (here, ends_with) in wanted.items()]
    rows.append(_heat_map())
    licences.append(("leaflet.heat", _folium_version(), "BSD-2-Clause", HEAT_LICENCE))
    (ASSETS / "assets.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (ASSETS / "NOTICE").write_text(_notice(licences), encoding="utf-8")


def _unpack(name, version, folder):
    packed = subprocess.run(["npm", "pack", f"{name}@{version}", "--silent"], cwd=folder, check=True,
                            capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / packed) as archive:
        archive.extractall(folder / name, filter="data")
    return folder / name / "package"


def _copy(source, here, ends_with, package, version, licence):
    file = ASSETS / here
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, file)
    return {"file": here, "address_ends_with": ends_with, "package": package, "version": version, "licence": licence,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def _heat_map():
    name, ends_with = FROM_FOLIUM
    source = files("folium") / "templates" / name
    return _copy(source, name, ends_with, "leaflet.heat", _folium_version(), "BSD-2-Clause")


def _folium_version():
    import folium

    return f"as in folium {folium.__version__}"


def _notice(licences):
    head = ("Other people's work in this folder, unchanged, with the licence of each.\n"
            "assets.json lists every file with its version and SHA-256.\n")
    parts = [f"{'=' * 80}\n{name} {version}  ({licence})\n{'=' * 80}\n\n{text.strip()}\n"
             for name, version, licence, text in licences]
    return "\n\n".join([head, *parts])


if __name__ == "__main__":
    main()
