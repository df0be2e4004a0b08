"""What counts as a spec in a folder: ours, however its keys are misspelt, and nobody else's."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from draws import examples
from paths import ROOT
from tabled import tabled

from convcalc.checks.files import find
from convcalc.checks.recognition import is_spec, reads_as_spec
from convcalc.cli import convcalc
from convcalc.spec.expand import TOP_LEVEL

OURS = [
    *sorted((ROOT / "tests/specs/ok").glob("*.yaml")),
    *sorted(ROOT.glob("architectures/*.yaml")),
]
SPEC = "name: a\ninput: 8x8x3\nlayers:\n  - relu\n"


FOREIGN = {
    "docker-compose": """
        name: shop
        services:
          web:
            image: nginx:1.27
            ports: ["80:80"]
        volumes: {data: {}}
        networks: {default: {name: shop}}
        """,
    "GitHub workflow": """
        name: CI
        on: [push]
        defaults: {run: {shell: bash}}
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - run: pytest
        """,
    "GitHub action": """
        name: Greet
        description: Greet someone
        inputs:
          who:
            description: Who to greet
            default: World
        runs:
          using: node20
          main: index.js
        """,
    "GitHub action of two keys more": """
        name: Greet
        description: Greet someone
        input: {}
        runs: {using: node20, main: index.js}
        """,
    "GitHub issue form": """
        name: Bug report
        description: File a bug report
        labels: [bug]
        body:
          - type: input
            attributes: {label: Version}
        """,
    "dependabot": """
        version: 2
        updates:
          - package-ecosystem: pip
            directory: /
            schedule: {interval: weekly}
        """,
    "GitLab CI": """
        stages: [build, test]
        default: {image: "python:3.12"}
        build:
          stage: build
          script: [make]
        """,
    "Azure pipelines": """
        name: $(Date)
        parameters:
          - name: image
            default: ubuntu-latest
        trigger: [main]
        steps:
          - script: make
        """,
    "pre-commit": """
        repos:
          - repo: https://github.com/astral-sh/ruff-pre-commit
            rev: v0.6.0
            hooks: [{id: ruff}]
        """,
    "pre-commit hooks": """
        - id: convcalc
          name: convcalc
          description: Check specs.
          entry: convcalc check
        """,
    "mkdocs": """
        site_name: My Docs
        theme: {name: material}
        nav:
          - Home: index.md
        plugins: [search]
        """,
    "Read the Docs": """
        version: 2
        build: {os: ubuntu-22.04, tools: {python: "3.12"}}
        sphinx: {configuration: docs/conf.py}
        """,
    "conda environment": """
        name: vision
        channels: [conda-forge]
        dependencies:
          - python=3.12
          - pytorch
        """,
    "conda recipe": """
        package: {name: foo, version: "1.0"}
        source: {path: .}
        build: {number: 0}
        requirements: {run: [python]}
        about: {description: Foo}
        """,
    "Kubernetes deployment": """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 3
          template: {spec: {containers: [{name: web, image: nginx}]}}
        """,
    "several Kubernetes documents": """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a}
        data: {layers: "3"}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: b}
        """,
    "kustomization": """
        resources: [deployment.yaml]
        namePrefix: dev-
        """,
    "Helm chart": """
        apiVersion: v2
        name: web
        description: A chart
        version: 0.1.0
        """,
    "Helm values": """
        image: {repository: nginx, tag: ""}
        resources: {}
        """,
    "Argo workflow": """
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        spec:
          entrypoint: main
          arguments: {parameters: [{name: x}]}
        """,
    "OpenAPI": """
        openapi: 3.1.0
        info: {title: Pets, version: 1.0.0, description: Pets}
        paths:
          /pets: {get: {parameters: [{name: limit, in: query}], responses: {}}}
        components: {parameters: {}}
        """,
    "Swagger parameters": """
        parameters:
          limit: {name: limit, in: query}
        definitions: {}
        """,
    "JSON Schema": """
        $schema: https://json-schema.org/draft/2020-12/schema
        description: A layer
        type: object
        properties: {layers: {type: array}, input: {type: string}}
        """,
    "CloudFormation": """
        AWSTemplateFormatVersion: "2010-09-09"
        Description: A function
        Parameters: {Stage: {Type: String, Default: dev}}
        Resources:
          F: {Type: "AWS::Lambda::Function", Properties: {Layers: [one]}}
        """,
    "serverless": """
        service: web
        provider: {name: aws}
        functions: {}
        layers:
          numpy: {path: numpy}
        """,
    "serverless layers alone": """
        layers:
          numpy: {path: numpy, description: NumPy}
        """,
    "Ansible play": """
        - name: Install
          hosts: all
          tasks: [{name: Install, apt: {name: nginx}}]
        """,
    "Ansible defaults": """
        nginx_port: 80
        nginx_user: www-data
        """,
    "DVC pipeline": """
        stages:
          train:
            cmd: python train.py
            deps: [data]
            params: [layers, lr]
            outs: [model.pt]
        """,
    "DVC parameters": """
        input: data/raw.csv
        layers: 3
        filters: 64
        """,
    "DVC parameters that are ours by name": """
        input: 28
        layers: 3
        """,
    "Hydra config": """
        defaults:
          - model: resnet
          - _self_
        name: baseline
        trainer: {epochs: 10}
        """,
    "Hydra model": """
        _target_: torchvision.models.resnet18
        name: resnet18
        layers: [2, 2, 2, 2]
        """,
    "Hydra model by name": """
        name: resnet18
        layers: 18
        """,
    "Hydra model of numbers": """
        name: resnet18
        input: [224, 224, 3]
        layers:
          - 2
          - 2
        """,
    "Hydra model with defaults": """
        defaults: [base]
        name: mlp
        layers: [784, 256, 10]
        parameters: 203K
        """,
    "sizes of an MLP": """
        name: mlp
        input: 784
        layers: [256, 128]
        """,
    "layers to look at": """
        name: perceptual
        description: VGG features
        layers: [conv1_2, conv2_2, conv3_3]
        """,
    "features to extract": """
        name: features
        input: image.png
        layer: conv5_3
        """,
    "one layer by number": """
        input: image.png
        layer: 7
        """,
    "layers of an architecture": """
        name: onion
        description: Who may import whom
        layers: [domain, application, infrastructure]
        """,
    "layers of an architecture, views among them": """
        name: mvc
        layers:
          - view
          - controller
          - model
        """,
    "import-linter": """
        name: Layers
        type: layers
        layers:
          - high
          - low
        containers: [app]
        """,
    "deptrac": """
        paths: [./src]
        exclude_files: []
        layers:
          - name: Controller
            collectors: [{type: className, regex: .*Controller.*}]
        ruleset: {Controller: []}
        """,
    "MapProxy": """
        services: {wms: {}}
        layers:
          - name: osm
            title: OSM
            sources: [osm_cache]
        caches: {osm_cache: {grids: [webmercator], sources: [osm_wms]}}
        sources: {osm_wms: {type: wms}}
        """,
    "map style": """
        name: Basic
        layers:
          - id: water
            type: fill
            source: osm
        """,
    "Tangram scene": """
        sources: {osm: {type: TopoJSON}}
        layers: {earth: {data: {source: osm}}}
        styles: {}
        """,
    "keyboard layers": """
        name: planck
        layers:
          - [KC_TAB, KC_Q, KC_W]
          - [KC_ESC, KC_A, KC_S]
        """,
    "Keras": """
        backend: tensorflow
        class_name: Sequential
        config:
          name: sequential
          layers:
            - {class_name: Conv2D, config: {filters: 32}}
        keras_version: 2.15.0
        """,
    "YOLO": """
        nc: 80
        depth_multiple: 0.33
        width_multiple: 0.50
        backbone:
          - [-1, 1, Conv, [64, 6, 2, 2]]
          - [-1, 3, C3, [128]]
        head:
          - [-1, 1, Conv, [512, 1, 1]]
        """,
    "Ludwig": """
        input_features: [{name: image, type: image, encoder: {type: stacked_cnn}}]
        output_features: [{name: label, type: category}]
        """,
    "sweep": """
        program: train.py
        name: sweep
        description: Look around
        method: bayes
        parameters: {layers: {values: [2, 3]}, lr: {max: 0.1}}
        """,
    "papermill": """
        parameters: {alpha: 0.6}
        """,
    "a test case": """
        name: adds
        input: 1 2
        expect: 3
        """,
    "a test case of boxes": """
        name: paper for a box
        input: 2x3x4
        expect: 58
        """,
    "a stream": """
        input: {kafka: {addresses: [localhost]}}
        pipeline: {processors: [{mapping: root = this}]}
        output: {stdout: {}}
        """,
    "Snakemake": """
        input: data/
        samples: [a, b]
        reference: genome.fa
        """,
    "Symfony": """
        parameters: {locale: en}
        services: {_defaults: {autowire: true}}
        """,
    "translations": """
        en:
          name: Name
          layers: Layers
        """,
    "translations without a language": """
        name: Name
        input: Input
        layers: Layers
        save: Save
        cancel: Cancel
        """,
    "a bibliography": """
        name: A Paper
        reference: https://example.org
        year: 2020
        description: Words
        """,
    "players": """
        name: Derby
        year: 2020
        players: [Ann, Bob]
        """,
    "Prometheus": """
        global: {scrape_interval: 15s}
        scrape_configs: [{job_name: node, static_configs: [{targets: ["localhost:9100"]}]}]
        """,
    "codecov": """
        coverage: {status: {project: {default: {target: 90%}}}}
        """,
    "citation": """
        cff-version: 1.2.0
        title: Foo
        authors: [{given-names: A, family-names: B}]
        """,
    "nothing": "\n",
    "a word": "layers\n",
    "a list": "- layers\n- input\n",
}
"""YAML of other tools, as their documentations write it."""


def indented(text: str) -> str:
    return re.sub(r"(?m)^ {8}", "", text).lstrip("\n")


@tabled("text", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_belongs_to_other_tools_is_left_alone(text: str) -> None:
    assert not reads_as_spec(indented(text))
    assert not reads_as_spec(indented(text).replace("\n", "\r\n"))


@tabled("path", OURS, ids=lambda path: path.stem)
def test_our_specs_are_known(path: Path) -> None:
    assert is_spec(str(path))


def slips(word: str) -> Iterator[str]:
    """A word with a letter left out, doubled or swapped with the next, in capitals, in plural."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[: at + 1] + word[at:]
        yield word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    yield from (word.capitalize(), word.upper(), word + "s", word + "es", word.rstrip("s"))


@pytest.mark.thorough
def test_a_slip_in_a_top_level_key_hides_no_spec() -> None:
    """Every key of every spec of ours, with every slip: all of them are looked at."""
    hidden = []
    count = 0
    for path in OURS:
        text = path.read_text(encoding="utf-8")
        for key in re.findall(r"(?m)^([a-z]+):", text):
            for slip in sorted({*slips(key)} - {key, ""}):
                broken = re.sub(rf"(?m)^{key}:", f"{slip}:", text, count=1)
                count += 1
                if not reads_as_spec(broken):
                    hidden.append((path.name, slip))
    assert hidden == []
    assert count > 5_000


@pytest.mark.parametrize("key", ["input", "layers"])
@pytest.mark.parametrize("spec", ["input: 8x8x3\nlayers: [relu]\n", "{input: 10, layers: [relu]}"])
def test_a_slip_is_reported_where_a_folder_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, spec: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(SPEC)
    for slip in sorted({*slips(key)} - {key}):
        (tmp_path / "b.yaml").write_text(spec.replace(key, slip))
        result = CliRunner().invoke(convcalc, ["check"])
        assert result.exit_code == 1, slip
        assert f"b.yaml:{1 if spec[0] == '{' or key == 'input' else 2}:" in result.stdout
        assert f"did you mean `{key}`?" in result.stdout
        assert "in 1 of 2 specs." in result.stdout


@tabled(
    "text",
    [
        "Input: 8x8x3\nLayers: [relu]\n",
        "NAME: a\nINPUT: 10\nLAYERS:\n  - linear: 3\n",
        "input: 8x8x3\nlayer:\n  - Conv2d: {filters: 3, kernel_size: 3}\n",
        "input: 10\nlayer:\n  - linaer: 10\n",
        "input: 8x8x3\nnetwork:\n  - conv: {filters: 3, kernel: 3}\n",
        "name: a\ninput: 8x8x3\n",
        "input: size x size x 3\nparameters: {size: 8}\nexpect: {output: 10}\n",
        "input: 8x8x3\nlayers: [3, 4]\n",
        "input: 8x8x3\nlayers: {conv1: {conv: 3}}\n",
        "input: 8x8x3\nlayers: relu\n",
        "author: me\nversion: 1\nlicense: MIT\ninput: 8x8x3\nlayers: [relu]\n",
        "blocks: {a: {layers: [relu]}}\nlayers: [a]\n",
        "input: 8x8x3\nlayers\n  - relu\n",
        "input:8x8x3\nlayers:\n  - relu\n",
        "input: 8x8x3\nlayers:[relu]\n",
        "input: 8x8x3\nlayers: [relu\n",
        "{input: 8x8x3, layers: [relu}\n",
        "input: 8x8x3\nlayers:\n\t- relu\n",
        "input: &shape 8x8x3\nlayers: [relu]\n",
        "layers: # none yet\n",
    ],
)
def test_what_is_broken_elsewhere_is_still_ours(text: str) -> None:
    assert reads_as_spec(text)


def test_text_in_another_encoding_hides_no_spec(tmp_path: Path) -> None:
    for number, encoding in enumerate(("utf-16", "utf-8-sig", "latin-1")):
        path = tmp_path / f"{number}.yaml"
        path.write_bytes(SPEC.replace("name: a", "name: é").encode(encoding))
        assert is_spec(str(path)), encoding


def test_a_file_that_may_not_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.yaml").write_text(SPEC)
    monkeypatch.setattr(Path, "open", refuse)
    assert is_spec(str(tmp_path / "a.yaml"))


PIECES = [*TOP_LEVEL, *": \n-[{3x,#'", "relu"]


@examples(300, text=lambda draw: "".join(draw.some(lambda: draw.choice(PIECES), 0, 30)))
def test_any_text_is_judged(text: str) -> None:
    assert reads_as_spec(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SPEC, True),
        ("# comment\n---\n" + SPEC, True),
        ("\ufeff" + SPEC, True),
        ("\ufefflayers:\n  - relu\ninput: 8x8x3\n", True),
        ("  # indented\n  input: 8x8x3\n  layers:\n    - relu\n", True),
        ("name: a\rinput: 8x8x3\rlayers:\r  - relu\r", True),
        ("name: a\r\ninput: 8x8x3\r\nlayers:\r\n  - relu\r\n", True),
        ("--- {input: 8x8x3, layers: [relu]}\n", True),
        ("%YAML 1.2\n--- # one\n{layers: [relu]}\n", True),
        ("? input\n: 8x8x3\n? layers\n: - relu\n", True),
        ("  services:\n    layers: []\n", False),
        ("layers: []\n", True),
        ("'layers': []\n\"input\": 3\n", True),
        ("{name: a, input: 8x8x3, layers: [relu]}\n", True),
        ("# c\n\n{layers: [relu]}\n", True),
        ("inputs: 8x8x3\nname: a\nlayers:\n- relu\n", True),  # misspelt, and still ours
        ("service: web\nprovider: {}\nfunctions: {}\nlayers: {}\n", False),
        ("services:\n  layers: []\n", False),
        ("input: 3\n", False),
        ("", False),
        ("- layers\n", False),
        ("{layers: ", True),
    ],
)
def test_specs_are_known_by_their_top_level_keys(
    tmp_path: Path,
    text: str,
    expected: bool,  # noqa: FBT001
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    assert is_spec(str(path)) is expected


def test_what_cannot_be_read_is_no_spec(tmp_path: Path) -> None:
    assert not is_spec(str(tmp_path / "none.yaml"))
    assert not is_spec(str(tmp_path))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.yaml")
        assert not is_spec(str(tmp_path / "pipe.yaml"))
        assert find([str(tmp_path)]).files == []


@tabled("coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_no_coding_hides_a_spec(coding: str, tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_bytes(SPEC.encode(coding))

    assert is_spec(str(file))
    result = CliRunner().invoke(convcalc, ["check", str(tmp_path)])
    assert result.exit_code == (0 if coding == "utf-8-sig" else 2)


@tabled("indent", ["\t", " ", "   "])
def test_blanks_before_the_first_key_hide_no_spec(indent: str) -> None:
    assert reads_as_spec(f"{indent}input: 8x8x3\nlayers: [relu]\n")
    assert not reads_as_spec(f"{indent}services: {{}}\nvolumes: {{}}\n")
