import DepotWire
