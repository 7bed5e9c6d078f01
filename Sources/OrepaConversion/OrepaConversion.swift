// OrepaConversion
