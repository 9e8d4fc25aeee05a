"""What people look at: figures, sentences, tables and pages; nothing is measured here."""
