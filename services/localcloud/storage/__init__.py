"""Cloud Storage's JSON API over a folder that people can ``ls``.

``state/buckets/<bucket>/<object name>`` is the object's content; everything else is in
``state/buckets/.index``: ``storage.sqlite3`` (SQLite, WAL) and ``staging/``, the files not yet in place.

Why a ``kill -9`` tears nothing:

1. Content is first written whole to ``staging/<id>``; nobody can see it there.
2. One SQLite transaction then makes it the object: the row (which names ``<id>``), the notifications
   it causes, the end of its upload session. This commit is the moment the upload becomes true, and the
   answer is sent only after it. Before it, a kill leaves an orphan in ``staging``, removed at the next start.
3. The file is renamed to its visible path. A kill between 2 and 3 leaves a staged file that a live row
   names: the next start renames it. Readers look into ``staging`` first, so row and content always agree.
4. A removal is committed with its path and unlinked after; the next start unlinks what was missed.
5. Notifications leave the database only once Pub/Sub took them: at least once, in order of commit.

Files put into the folder by hand are no objects; files removed by hand answer 404.

All commits run on the event loop's thread, one after another: a precondition and the write it guards
cannot be separated, however many clients race. SQLite runs with ``synchronous=NORMAL``: the promises hold
for the death of the process; after a power cut the last moments may be missing, as in any page cache.
"""

from __future__ import annotations

from services.localcloud.component import Component, Context
from services.localcloud.storage.part import StoragePart


def create(context: Context) -> Component:
    """The Storage part, with its state under ``context.state / "buckets"``."""
    return StoragePart(context)
