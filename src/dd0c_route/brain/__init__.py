"""The brain: which of the candidates should answer. Policies see prices and odds already worked out."""
