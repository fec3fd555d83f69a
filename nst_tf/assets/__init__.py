"""Original style pictures and the programs that paint them."""
