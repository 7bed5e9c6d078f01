// OrepaNetwork
