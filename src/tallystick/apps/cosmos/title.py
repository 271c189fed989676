"""Words for keys and message types (cosmos-app 4)."""

from __future__ import annotations

from types import MappingProxyType

from .escape import escape_raw

#: a key is cut to this many bytes before it is looked up or shown
KEY_LIMIT = 34

_TITLES = MappingProxyType(
    {
        b"chain_id": "Chain ID",
        b"account_number": "Account",
        b"sequence": "Sequence",
        b"memo": "Memo",
        b"fee/amount": "Fee",
        b"fee/gas": "Gas",
        b"fee/gas_limit": "Gas Limit",
        b"fee/granter": "Granter",
        b"fee/payer": "Payer",
        b"tip/amount": "Tip",
        b"tip/tipper": "Tipper",
        b"msgs/type": "Type",
        b"msgs/inputs/address": "Source Address",
        b"msgs/inputs/coins": "Source Coins",
        b"msgs/outputs/address": "Dest Address",
        b"msgs/outputs/coins": "Dest Coins",
        b"msgs/value/inputs/address": "Source Address",
        b"msgs/value/inputs/coins": "Source Coins",
        b"msgs/value/outputs/address": "Dest Address",
        b"msgs/value/outputs/coins": "Dest Coins",
        b"msgs/value/from_address": "From",
        b"msgs/value/to_address": "To",
        b"msgs/value/amount": "Amount",
        b"msgs/value/delegator_address": "Delegator",
        b"msgs/value/validator_address": "Validator",
        b"msgs/value/withdraw_address": "Withdraw Address",
        b"msgs/value/validator_src_address": "Validator Source",
        b"msgs/value/validator_dst_address": "Validator Dest",
        b"msgs/value/description": "Description",
        b"msgs/value/initial_deposit/amount": "Deposit Amount",
        b"msgs/value/initial_deposit/denom": "Deposit Denom",
        b"msgs/value/proposal_type": "Proposal",
        b"msgs/value/proposer": "Proposer",
        b"msgs/value/title": "Title",
        b"msgs/value/depositor": "Sender",
        b"msgs/value/proposal_id": "Proposal ID",
        # the official app says so, and so do its published vectors
        b"msgs/value/voter": "Description",
        b"msgs/value/option": "Option",
    }
)

#: the type that makes the walk go one level deeper
MULTI_SEND = b"cosmos-sdk/MsgMultiSend"

_VALUES = MappingProxyType(
    {
        b"cosmos-sdk/MsgSend": "Send",
        b"cosmos-sdk/MsgDelegate": "Delegate",
        b"cosmos-sdk/MsgUndelegate": "Undelegate",
        b"cosmos-sdk/MsgBeginRedelegate": "Redelegate",
        b"cosmos-sdk/MsgSubmitProposal": "Propose",
        b"cosmos-sdk/MsgDeposit": "Deposit",
        b"cosmos-sdk/MsgVote": "Vote",
        b"cosmos-sdk/MsgWithdrawDelegationReward": "Withdraw Reward",
        b"cosmos-sdk/MsgWithdrawValidatorCommission": "Withdraw Val. Commission",
        b"cosmos-sdk/MsgSetWithdrawAddress": "Withdraw Set Address",
        MULTI_SEND: "Multi Send",
    }
)


def title_of(key: bytes) -> str:
    """Return the title for a key such as ``msgs/value/to_address``: its word, or the key itself cut to 34 bytes."""
    cut = key[:KEY_LIMIT]
    return _TITLES.get(cut) or escape_raw(cut)


def value_of(raw: bytes) -> str:
    """Return a value as it is shown: the word for a message type, else the raw text made printable."""
    return _VALUES.get(raw) or escape_raw(raw)


def is_known_type(raw: bytes) -> bool:
    """Tell whether `raw` is a message type this app has a word for."""
    return raw in _VALUES
