"""Delivery guarantees, under the name by which the settings import them."""

from campaign_common.domain.campaign import Delivery

__all__ = ["Delivery"]
