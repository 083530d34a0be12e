"""Loads finished builds with the clients that people use, and trains two steps on each: `python check.py BUILD...`.

What every client reads must be what stands in the input files, and the tokens that TRL trains on must be those of the
chat template over prompt and answer. Prints one line a check; ends with 1 where one failed. Without the packages of
requirements.txt it says so in one line and ends with 0.
"""

import glob
import gzip
import importlib.metadata
import importlib.util
import json
import math
import os
import re
import shutil
import struct
import sys
import tempfile
import warnings

NEEDED = ["datasets", "duckdb", "mlcroissant", "pandas", "polars", "pyarrow", "tokenizers", "torch", "transformers", "trl"]
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    print(f"skipped: {', '.join(missing)} not installed; python -m pip install -r test/clients/requirements.txt")
    sys.exit(0)

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1", TOKENIZERS_PARALLELISM="false")
os.environ.setdefault("HF_HOME", tempfile.mkdtemp(prefix="goldpan-clients-"))

import datasets
import duckdb
import pandas
import polars
import pyarrow.ipc
import pyarrow.parquet
import torch
import transformers
import trl

warnings.simplefilter("ignore")
datasets.disable_progress_bars()
transformers.logging.set_verbosity_error()
torch.set_num_threads(1)

MAX_LENGTH = 512
TRAINED_ROWS = 200
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
failed = 0


def check(name, function):
    """One line; a failure is printed and counted, and the next check goes on."""
    global failed
    try:
        print(f"  ok    {name}: {function()}", flush=True)
    except Exception as error:  # noqa: BLE001: whatever a client throws is the finding
        failed += 1
        print(f"  FAIL  {name}: {type(error).__name__}: {str(error)[:400]}", flush=True)


def same(found, wanted, what):
    if found == wanted:
        return
    at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
    got = found[at] if at < len(found) else None
    want = wanted[at] if at < len(wanted) else None
    raise AssertionError(f"{what}: {len(found)} and {len(wanted)}, first difference at {at}: {str(got)[:150]!r} and {str(want)[:150]!r}")


def plain(value):
    """Rows of any client as the same Python values."""
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        value = value.tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if not isinstance(value, float):
        return value
    # All floats of the shards are 32 bits; JSON has their shortest digits.
    return None if math.isnan(value) else struct.unpack("f", struct.pack("f", value))[0]


class Build:
    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/manifest.json", encoding="utf-8") as file:
            self.manifest = json.load(file)
        output = self.manifest["config"]["output"]
        self.layout, self.format = output["layout"], output["format"]
        self.splits = [s for s in ("train", "validation") if self.manifest["totals"][s] > 0]

    def files(self, table):
        return [f"{self.folder}/{o['path']}" for o in self.manifest["outputs"] if o["path"].startswith(f"{table}/")]

    def rows(self, table):
        return sum(o["rows"] for o in self.manifest["outputs"] if o["path"].startswith(f"{table}/"))

    def truth(self, split):
        """The rows as pyarrow or json reads them."""
        rows = []
        for path in self.files(split):
            if path.endswith(".parquet"):
                rows += pyarrow.parquet.read_table(path, partitioning=None).to_pylist()
            elif path.endswith(".arrow"):
                with pyarrow.ipc.open_file(path) as file:
                    rows += file.read_all().to_pylist()
            else:
                rows += json_lines(path)
        return rows

    def sides(self, row):
        """Prompt, chosen and rejected of a row of any layout as lists of messages."""
        if self.layout == "prompt":
            return row["prompt"], row["chosen"], row["rejected"]
        if self.layout == "message":
            return row["prompt"], [row["chosen"]], [row["rejected"]]
        chosen, rejected = row["chosen"], row["rejected"]
        n = next((i for i, (a, b) in enumerate(zip(chosen, rejected)) if a != b), 0)
        return chosen[:n], chosen[n:], rejected[n:]


def filled(path):
    """${VAR} and ${VAR:-default} as a config fills them."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1]) or m[2] or "", path)


def opened(path):
    """Lines as bytes: \\n alone ends one, and a malformed one of the inputs is never decoded."""
    if path.endswith(".gz"):
        return gzip.open(path, "rb")
    if path.endswith(".zst"):
        import zstandard

        return zstandard.open(path, "rb")
    return open(path, "rb")


def json_lines(path):
    with opened(path) as file:
        return [json.loads(line) for line in file.read().split(b"\n") if line]


def texts_of_inputs(build, rows):
    """Compares with the input files themselves, where these are rows {prompt, chosen, rejected}."""
    with open(f"{build.folder}/run.json", encoding="utf-8") as file:
        base = os.path.dirname(json.load(file)["config"])
    kept = {row["pair_id"]: row for row in rows}
    ledger = pyarrow.parquet.read_table(f"{build.folder}/ledger", partitioning=None, columns=["pair_id", "file", "row", "split"]).to_pylist()
    formats = {i["path"]: i["format"] for i in build.manifest["inputs"]}
    by_file = {}
    for entry in ledger:
        if entry["split"] and formats[entry["file"]] == "pair" and entry["pair_id"] in kept:
            by_file.setdefault(entry["file"], {})[entry["row"]] = kept[entry["pair_id"]]
    compared = 0
    for path, wanted in by_file.items():
        with opened(os.path.join(base, filled(path))) as file:
            for number, line in enumerate(file.read().split(b"\n")):
                if number not in wanted:
                    continue
                raw, row = json.loads(line), wanted[number]
                prompt, chosen, rejected = build.sides(row)
                if row["flipped"]:
                    chosen, rejected = rejected, chosen
                said = lambda side: side if isinstance(side, str) else side[-1]["content"]
                turns = [raw["prompt"]] if isinstance(raw["prompt"], str) else [m["content"] for m in raw["prompt"]]
                if [m["content"] for m in prompt] + [chosen[-1]["content"], rejected[-1]["content"]] != turns + [said(raw["chosen"]), said(raw["rejected"])]:
                    raise AssertionError(f"{path} row {number}: texts differ from the input")
                compared += 1
    return f"{compared} pairs have the texts of their input rows"


def with_datasets(build, split, wanted, **options):
    read = datasets.load_dataset(build.folder, split=split, **options)
    same([plain(row) for row in read], [plain(row) for row in wanted], "rows")
    return f"{len(wanted)} rows"


def with_polars(build, split, wanted):
    read = {"parquet": polars.read_parquet, "arrow": polars.read_ipc}.get(build.format, polars.read_ndjson)
    frame = polars.concat([read(path) for path in build.files(split)])
    same(plain(frame.select("chosen", "rejected", "pair_id").to_dicts()), [plain({k: r[k] for k in ("chosen", "rejected", "pair_id")}) for r in wanted], "rows")
    return f"{frame.height} rows, {frame.width} columns"


def with_duckdb(build, split, wanted):
    reader = "read_parquet" if build.format == "parquet" else "read_json_auto"
    found = duckdb.sql(f"select chosen, rejected, pair_id from {reader}({build.files(split)!r})").fetchall()
    same([plain(row) for row in found], [plain([r["chosen"], r["rejected"], r["pair_id"]]) for r in wanted], "rows")
    return f"{len(found)} rows"


def with_pandas(build, split, wanted):
    if build.format == "parquet":
        frame = pandas.concat([pandas.read_parquet(path) for path in build.files(split)])
    elif build.format == "arrow":
        frame = pandas.concat([pandas.read_feather(path) for path in build.files(split)])
    else:
        frame = pandas.concat([pandas.read_json(path, lines=True, dtype=False, convert_dates=False) for path in build.files(split)])
    same([plain(r) for r in frame[["chosen", "rejected", "pair_id"]].to_dict("records")], [plain({k: r[k] for k in ("chosen", "rejected", "pair_id")}) for r in wanted], "rows")
    return f"{len(frame)} rows"


def with_croissant(build):
    import logging

    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    counts = []
    described = mlcroissant.Dataset(jsonld=f"{build.folder}/croissant.json")
    for split in build.splits:
        wanted = [row["pair_id"] for row in build.truth(split)]
        found = [row[f"{split}/pair_id"].decode() for row in described.records(split)]
        same(found, wanted, "pair_id")
        counts.append(f"{split} {len(found)}")
    return ", ".join(counts)


def tiny_tokenizer(texts):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|im_start|>", "<|im_end|>", "<|pad|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=special, initial_alphabet=alphabet, show_progress=False))
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|pad|>")
    fast.chat_template = CHATML
    return fast


def tiny_model(kind, tokenizer, seed=0):
    torch.manual_seed(seed)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=MAX_LENGTH, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    if kind == "reward":
        config.num_labels = 1
        return transformers.Qwen2ForSequenceClassification(config)
    return transformers.Qwen2ForCausalLM(config)


def tokens(tokenizer, messages, **options):
    return tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True, **options)["input_ids"]


def expected_reward(build, tokenizer, rows):
    out = []
    for row in rows:
        prompt, chosen, rejected = build.sides(row)
        pair = [tokens(tokenizer, prompt + chosen), tokens(tokenizer, prompt + rejected)]
        if max(map(len, pair)) <= MAX_LENGTH:
            out.append(pair)
    return out


def expected_dpo(build, tokenizer, rows):
    out = []
    for row in rows:
        prompt, chosen, rejected = build.sides(row)
        head = tokens(tokenizer, prompt, add_generation_prompt=True)
        whole = [tokens(tokenizer, prompt + chosen), tokens(tokenizer, prompt + rejected)]
        if any(ids[: len(head)] != head for ids in whole):
            raise AssertionError(f"pair {row['pair_id']}: the prompt is no prefix")
        out.append([head, whole[0][len(head) :], whole[1][len(head) :]])
    return out


def trained(build, kind, rows, tokenizer, streaming):
    """Two steps; the tokens that the trainer made are compared with those made here."""
    data = datasets.load_dataset(build.folder, split="train", streaming=streaming)
    data = data.take(TRAINED_ROWS) if streaming else data.select(range(min(TRAINED_ROWS, len(data))))
    rows = rows[:TRAINED_ROWS]
    common = dict(
        output_dir=tempfile.mkdtemp(), max_steps=2, per_device_train_batch_size=4, max_length=MAX_LENGTH, use_cpu=True, bf16=False,
        report_to=[], save_strategy="no", logging_steps=1, disable_tqdm=True, seed=1,
    )  # fmt: skip
    if kind == "reward":
        trainer = trl.RewardTrainer(
            model=tiny_model(kind, tokenizer), args=trl.RewardConfig(**common), train_dataset=data, processing_class=tokenizer
        )
        names, wanted = ["chosen_ids", "rejected_ids"], expected_reward(build, tokenizer, rows)
    else:
        trainer = trl.DPOTrainer(
            model=tiny_model(kind, tokenizer), ref_model=tiny_model(kind, tokenizer), args=trl.DPOConfig(**common), train_dataset=data,
            processing_class=tokenizer,
        )  # fmt: skip
        names, wanted = ["prompt_ids", "chosen_ids", "rejected_ids"], expected_dpo(build, tokenizer, rows)
    found = [[list(row[name]) for name in names] for row in trainer.train_dataset]
    if kind == "dpo":  # rows whose prompt alone fills max_length are dropped
        wanted = [row for row in wanted if row in found] if len(found) < len(wanted) else wanted
    same(found, wanted, "tokens")
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    if len(losses) != 2 or not all(math.isfinite(loss) and loss > 0 for loss in losses):
        raise AssertionError(f"losses {losses}")
    total = sum(len(ids) for row in wanted for ids in row)
    return f"{len(found)} of {len(rows)} rows, {total} tokens as expected; losses {', '.join(f'{loss:.3f}' for loss in losses)}"


def checked(folder):
    build = Build(folder)
    print(f"{os.path.basename(folder)}: layout {build.layout}, format {build.format}, {', '.join(f'{s} {build.rows(s)}' for s in build.splits)}")
    rows = {split: build.truth(split) for split in build.splits}
    check("texts", lambda: texts_of_inputs(build, [row for split in rows.values() for row in split]))
    for split, wanted in rows.items():
        check(f"datasets {split}", lambda: with_datasets(build, split, wanted))
        check(f"datasets {split} streaming", lambda: with_datasets(build, split, wanted, streaming=True))
        check(f"polars {split}", lambda: with_polars(build, split, wanted))
        if build.format != "arrow":
            check(f"duckdb {split}", lambda: with_duckdb(build, split, wanted))
        check(f"pandas {split}", lambda: with_pandas(build, split, wanted))
    if build.format == "parquet":
        check("datasets ledger", lambda: f"{len(datasets.load_dataset(folder, 'ledger', split='train'))} of {build.rows('ledger')} rows")
        check("datasets without the card", lambda: without_card(build))
        check("mlcroissant", lambda: with_croissant(build))
    if build.layout == "message":
        return
    said = [m["content"] for row in rows["train"][:2000] for side in build.sides(row) for m in side]
    tokenizer = tiny_tokenizer(said)
    for kind, name in (("reward", "RewardTrainer"), ("dpo", "DPOTrainer")):
        for streaming in (False, True):
            check(f"{name}{' streaming' if streaming else ''}", lambda: trained(build, kind, rows["train"], tokenizer, streaming))


def without_card(build):
    """The split folders alone, as a copy without README.md would have them."""
    with tempfile.TemporaryDirectory() as copy:
        for split in build.splits:
            shutil.copytree(f"{build.folder}/{split}", f"{copy}/{split}")
        found = {split: rows.num_rows for split, rows in datasets.load_dataset(copy).items()}
    same(found, {split: build.rows(split) for split in build.splits}, "splits")
    return found


if __name__ == "__main__":
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in NEEDED))
    folders = [f for argument in sys.argv[1:] for f in sorted(glob.glob(argument))]
    if not folders:
        sys.exit("check.py: name the folders of finished builds")
    for folder in folders:
        checked(folder.rstrip("/"))
    print(f"{failed} failed" if failed else "all passed")
    sys.exit(1 if failed else 0)
