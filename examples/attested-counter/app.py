"""A counter that never goes back, and proves it: each value comes with a signature over it and the hash of this very code."""

from tallystick.app import App, CommandApdu, Entry, Menu, Reject, StatusWord, start_with

CHALLENGE_BYTES = 16
SLOT = 1


class Counter(App):
    async def handle(self, raw):
        command = CommandApdu.from_bytes(raw)
        match (command.cla, command.ins):
            case (0x80, 0x01):
                return await self.next(command.data)
            case (0x80, 0x02):
                return await self.attestation()
        raise Reject(StatusWord.INS_NOT_SUPPORTED)

    async def next(self, challenge):
        """Count on, and sign: tag, challenge, value."""
        if len(challenge) != CHALLENGE_BYTES:
            raise Reject(StatusWord.WRONG_LENGTH)
        value = int.from_bytes(await self.os.read("value") or b"", "big") + 1
        # kept before it is told: a power cut may lose a number, and never gives one out twice
        await self.os.write("value", value.to_bytes(8, "big"))
        statement = b"counter:" + challenge + value.to_bytes(8, "big")
        signature = await self.os.endorsement_key1_sign_data(statement)
        await self.os.idle(await self.menu())
        return value.to_bytes(8, "big") + signature

    async def attestation(self):
        """Return the device's attestation key, and its owner's certificate."""
        public = await self.os.endorsement_get_public_key(SLOT)
        return public + await self.os.endorsement_get_public_key_certificate(SLOT)

    async def menu(self):
        value = int.from_bytes(await self.os.read("value") or b"", "big")
        return Menu(title="Counter", entries=(Entry("Count:", str(value)), Entry("Quit")))


start = start_with(Counter)
