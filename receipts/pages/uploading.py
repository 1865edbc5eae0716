"""An upload of which nothing is kept: its bytes are hashed as they come and let go."""

from hashlib import sha256
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload

LARGEST = 5_000_000  # bytes; our papers are below a tenth of that


class HashedUpload(SimpleUploadedFile):
    """An empty file that knows what it was: sha256, and bytes_seen."""

    sha256 = ""
    bytes_seen = 0


class HashingHandler(FileUploadHandler):
    """Breaks off beyond LARGEST: such a file is none of ours."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.hash, self.seen = sha256(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.seen += len(raw_data)
        if self.seen > LARGEST:
            raise StopUpload(connection_reset=True)
        self.hash.update(raw_data)

    def file_complete(self, file_size: int) -> HashedUpload:
        file = HashedUpload("paper.pdf", b"", "application/pdf")
        file.sha256, file.bytes_seen = self.hash.hexdigest(), self.seen
        return file
