// OrepaCheckpoint
