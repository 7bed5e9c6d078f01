// OrepaTraining
