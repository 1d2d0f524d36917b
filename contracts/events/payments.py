"""Orders of courses and the money for them: ids and amounts, never who pays with what."""

from contracts.event import Currency, Event, Id, Kind, MinorUnits, PersonId
from contracts.topics import PAYMENTS


class OrderCreated(Event, type="order.created", topic=PAYMENTS, key="order_id"):
    """Somebody wants a course that costs something."""

    order_id: Id
    user_id: PersonId
    course_id: Id
    amount_minor: MinorUnits
    currency: Currency


class OrderPaid(Event, type="order.paid", topic=PAYMENTS, key="order_id"):
    """The whole amount arrived: the learner is entitled to the course."""

    order_id: Id
    user_id: PersonId
    course_id: Id
    payment_id: Id
    provider: Kind
    amount_minor: MinorUnits
    currency: Currency


class OrderRefunded(Event, type="order.refunded", topic=PAYMENTS, key="order_id"):
    """``amount_minor`` went back; ``refunded_minor`` of the order's price is what did so far.

    ``full``: the order is undone and entitles to nothing. A payment too many that goes back leaves
    the order as it is: ``refunded_minor`` does not count it.
    """

    order_id: Id
    user_id: PersonId
    course_id: Id
    refund_id: Id
    amount_minor: MinorUnits
    refunded_minor: MinorUnits
    currency: Currency
    full: bool


class OrderCancelled(Event, type="order.cancelled", topic=PAYMENTS, key="order_id"):
    """An order that was never paid is given up."""

    order_id: Id
    user_id: PersonId
    course_id: Id
