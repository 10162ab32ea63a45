"""Money: the catalogue of dated prices, and the exact cost of a call in picodollars."""

from dd0c_route.pricing.catalog import Catalog, Dated
from dd0c_route.pricing.cost import Cost, Line, amount, cost, usd
from dd0c_route.pricing.price import CLASSES, ContextTier, Price, Rates

__all__ = ["CLASSES", "Catalog", "ContextTier", "Cost", "Dated", "Line", "Price", "Rates", "amount", "cost", "usd"]
