"""What a bank line pays: pure rules that know the books only through a Book, and never post anything."""
