// OrepaImage
