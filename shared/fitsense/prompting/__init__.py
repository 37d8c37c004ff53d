"""One prompt builder for the teacher, the student's training and serving: no train/serve skew.

Pure: the same query gives the same bytes. Whoever changes a text here raises ``PROMPT_VERSION``; a test
holds the texts' digest beside it.
"""

from fitsense.prompting.answer import BadAnswer, answer_schema, parse_answer, response_format, served_format
from fitsense.prompting.builder import PROMPT_VERSION, Message, chat, context_of, messages
from fitsense.prompting.context import context_text
from fitsense.prompting.outline import outline_of, outline_text
from fitsense.prompting.reference import reference_text

__all__ = [
    "PROMPT_VERSION",
    "BadAnswer",
    "Message",
    "answer_schema",
    "chat",
    "context_of",
    "context_text",
    "messages",
    "outline_of",
    "outline_text",
    "parse_answer",
    "reference_text",
    "response_format",
    "served_format",
]
