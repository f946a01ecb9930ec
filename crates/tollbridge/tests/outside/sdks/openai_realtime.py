"""openai for Python: Realtime."""

import exchange
from openai import AsyncOpenAI


async def converse(bridge, token, sound, heard):
    client = AsyncOpenAI(
        api_key=token,  # was: an API key
        base_url=f"https://{bridge}/v1",  # was: left out
    )
    async with client.realtime.connect(model="gpt-realtime") as realtime:
        async for event in realtime:
            heard(event.type)
            if event.type == "session.created":
                await realtime.session.update(session={"type": "realtime"})
                async for packet in sound:
                    await realtime.input_audio_buffer.append(audio=packet)
                await realtime.input_audio_buffer.commit()
                await realtime.response.create()
            elif event.type == "response.done":
                break


if __name__ == "__main__":
    exchange.main(converse)
