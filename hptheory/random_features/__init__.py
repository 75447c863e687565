"""Exact theory of random-features ridge regression at every width (2512.22768, Sec. 3.2 and App. B.4)."""
