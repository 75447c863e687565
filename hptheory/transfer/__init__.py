"""Transfer analysis: sweep tables, gaps, exponents, the verdict (2512.22768, Sec. 2-3, App. B)."""
