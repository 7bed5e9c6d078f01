// Orepa
