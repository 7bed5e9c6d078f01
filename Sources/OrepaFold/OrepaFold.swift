// OrepaFold
