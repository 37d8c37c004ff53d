"""The tokenizer of ``fitsense-tiny``: one token for each thing that is decided.

A plan is a handful of decisions an exercise: which, how many sets, which repetitions at which reserve, which
load, which rest. The pre-tokenizer cuts the answer's JSON at these, so that each is one token with the syntax
around it: six tokens an exercise. Numbers and exercise ids are whole, so that copying one from the context is
one step.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from fitsense.prompting import Message

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

PAD, BEGIN, END = "<pad>", "<bos>", "<eos>"
TEMPLATE = Path(__file__).with_name("chat_template.jinja")

_ID = r' *\{"id":"'
_PIECES = (
    rf",(?={_ID})",
    r'\]\},\{"exercises":\[',
    r'\]\}\],"deload":(?:true|false)\},"rules":\["?',
    _ID,
    r'","sets":\d+',
    r',"reps":\[\d+,\d+\],"rir":[\d.]+,"kg":',
    r'(?:null)?,"rest_s":\d+\}',
    r'","plan":(?:\{"goal":"\w+","days":\[\{"exercises":\[|null,"rules":\["?)',
    r'\{"action":"\w+","message":"',
    r'[A-Z]+-[A-Z0-9]+(?:","|"\]\})',
    r" ?\([A-Z]+-[A-Z0-9]+\)[.;,]?",
    r"(?:fat loss|muscle gain|general fitness)\n",
    r" \d x \d+ min| ?week \d+| deload \d+ weeks",
    r" ?[a-z]{2}\d{2}",
    r" ?\d+(?:[.,]\d+)?",
    r' ?[^\s\d"]+',
    r"\s+",
    r'"+',
)
PATTERN = "|".join(_PIECES)
"""In order: what stands between exercises, between days and after the plan; an exercise's beginning; sets;
dose; load and rest; plan's and answer's beginnings; rule ids in a list and in a sentence; goal, days and
minutes, week, deload; exercise ids; numbers; words; spaces; quotes."""
_LOAD = re.compile(r'"kg":([\d.]+)')
SLOTS = 48
"""Exercises of a week that have a token of their own, whether the corpus holds such long weeks or not."""


def slots() -> list[str]:
    """How the k-th exercise of a week begins, for each k from 1 on: see ``tiny.answers``."""
    return [" " * number + '{"id":"' for number in range(1, SLOTS + 1)]


def loads(texts: Iterable[str]) -> list[str]:
    """Every load that a plan of the corpus prescribes, however seldom."""
    return sorted({load for text in texts for load in _LOAD.findall(text)})


def train_tokenizer(
    texts: Sequence[str], *, vocabulary: int, merges: int, positions: int
) -> PreTrainedTokenizerFast:
    """Bytes and merged pieces (``merges``), filled up to ``vocabulary`` with the commonest whole pieces."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_with_pieces(_bpe(texts, merges), texts, vocabulary),
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=positions,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE.read_text()
    return tokenizer


def _bpe(texts: Iterable[str], merges: int) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=merges,
        special_tokens=[PAD, BEGIN, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _with_pieces(tokenizer: Tokenizer, texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """BPE would spend a token on each step towards a long piece; ``ignore_merges`` takes it whole."""
    from tokenizers import Tokenizer

    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text))
    state: dict[str, Any] = orjson.loads(tokenizer.to_str())
    known: dict[str, int] = state["model"]["vocab"]
    for copied in (*slots(), *loads(texts)):
        [(piece, _)] = tokenizer.pre_tokenizer.pre_tokenize_str(copied)
        known.setdefault(piece, len(known))
    for piece, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if len(known) >= vocabulary:
            break
        known.setdefault(piece, len(known))
    state["model"]["ignore_merges"] = True
    return Tokenizer.from_str(orjson.dumps(state).decode())


def shown(conversations: Iterable[Sequence[Message]]) -> list[str]:
    """The texts as the chat template shows them to the model, without begin and end marks."""
    blank = _blank()
    return [str(blank.apply_chat_template(list(one), tokenize=False)) for one in conversations]


@cache
def _blank() -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    blank = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="", eos_token="")
    blank.chat_template = TEMPLATE.read_text()
    return blank
